-- An outbox: whoever wants a run inserts a row, in the same transaction as what
-- it is about. So there is a run if, and only if, that transaction is committed.
CREATE TABLE IF NOT EXISTS cdktr_outbox (
	id       uuid PRIMARY KEY DEFAULT gen_random_uuid(), -- the run's idempotency key
	n        bigint GENERATED ALWAYS AS IDENTITY,        -- the order
	workflow text NOT NULL,
	params   jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(params) = 'object'),
	created  timestamptz NOT NULL DEFAULT now(),
	done     timestamptz,
	run      text, -- when done: the run,
	error    text  -- or why there is none
);

CREATE INDEX IF NOT EXISTS cdktr_outbox_open ON cdktr_outbox (n) WHERE done IS NULL;

-- The doorbell. It is heard by those who listen right now, and by nobody else:
-- what counts is the row.
CREATE OR REPLACE FUNCTION cdktr_outbox_ring() RETURNS trigger LANGUAGE plpgsql AS
	$$ BEGIN NOTIFY cdktr_outbox; RETURN NULL; END $$;

CREATE OR REPLACE TRIGGER cdktr_outbox_ring AFTER INSERT ON cdktr_outbox
	FOR EACH STATEMENT EXECUTE FUNCTION cdktr_outbox_ring();
