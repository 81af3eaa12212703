module github.com/cdktr/cdktr/examples/listeners/redis

go 1.26.0

require (
	github.com/cdktr/cdktr v0.0.0
	github.com/redis/go-redis/v9 v9.23.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/pebbe/zmq4 v1.4.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/cdktr/cdktr => ../../..
