package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	duckdb "github.com/marcboeker/go-duckdb/v2"
)

// attach makes the database file at path known to the instance as alias.
func attach(ctx context.Context, db *sql.DB, path, alias, options string) error {
	_, err := db.ExecContext(ctx, "ATTACH '"+strings.ReplaceAll(path, "'", "''")+"' AS "+alias+options)
	return err
}

// create makes a database file with a schema and its meta rows. The file gets
// its name when it is whole and on disk, so a crash leaves none or all of it.
func create(ctx context.Context, db *sql.DB, path, schema string, meta map[string]string, now time.Time) (err error) {
	const alias = "made"
	fresh := path + ".new"
	for _, old := range []string{fresh, fresh + ".wal"} {
		if err := os.Remove(old); err != nil && !errors.Is(err, os.ErrNotExist) {
			return disk("create %s: %w", path, err)
		}
	}
	if err := attach(ctx, db, fresh, alias, ""); err != nil {
		return disk("create %s: %w", path, err)
	}
	if err := fill(ctx, db, alias, schema, meta, now); err != nil {
		_, detachErr := db.ExecContext(ctx, "DETACH "+alias)
		return disk("create %s: %w", path, errors.Join(err, detachErr))
	}
	if _, err := db.ExecContext(ctx, "DETACH "+alias); err != nil {
		return disk("create %s: %w", path, err)
	}
	if err := syncFile(fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return disk("create %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

func fill(ctx context.Context, db *sql.DB, alias, schema string, meta map[string]string, now time.Time) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(ctx, "USE "+alias); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, schema)
	for name, value := range meta {
		if err == nil {
			_, err = conn.ExecContext(ctx, "INSERT INTO meta VALUES (?, ?, ?)", name, value, now.UTC())
		}
	}
	if err == nil {
		_, err = conn.ExecContext(ctx, "CHECKPOINT "+alias)
	}
	// The connection goes back to the pool, and nothing may be using alias
	// when it is detached.
	_, useErr := conn.ExecContext(ctx, "USE memory")
	return errors.Join(err, useErr)
}

// identify reads the meta rows of an attached file and tells why it is not a
// CDKTR file of this version, if it is not.
func identify(ctx context.Context, db *sql.DB, alias string) (meta map[string]string, why string, err error) {
	const notOurs = "this is a DuckDB database, but not one of this CDKTR"
	rows, err := db.QueryContext(ctx, "SELECT name, value FROM "+alias+".main.meta")
	switch kind := duckType(err); {
	case kind == duckdb.ErrorTypeCatalog || kind == duckdb.ErrorTypeBinder:
		return nil, notOurs, nil
	case err != nil:
		return nil, "", err
	}
	defer func() { _ = rows.Close() }()
	meta = make(map[string]string)
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, notOurs, nil
		}
		meta[name] = value
	}
	if err := rows.Err(); err != nil {
		return nil, "", err
	}
	if meta["app"] != appName {
		return nil, notOurs, nil
	}
	if meta["schema"] != schemaVersion {
		return nil, fmt.Sprintf("it has schema version %s, this program knows version %s", meta["schema"], schemaVersion), nil
	}
	return meta, "", nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return disk("sync %s: %w", path, err)
	}
	err = errors.Join(f.Sync(), f.Close())
	if err != nil {
		return disk("sync %s: %w", path, err)
	}
	return nil
}
