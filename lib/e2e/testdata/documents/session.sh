# The shell of a document's session: it runs each command that arrives on file
# descriptor 3, ended by a NUL, and marks the end of its output.
#
# A document starts the principal as a reader does, on its own port. Here it
# takes free ones, so that any number of sessions can go on at the same time.
PATH=$DOCUMENTS/bin:$PATH
code=0
while IFS= read -r -d '' command <&3; do
	# What was read is over: the command sees the exit code of the one before it.
	eval "(exit $code)
$command" </dev/null 3<&-
	code=$?
	printf '\n\0done\n'
done
