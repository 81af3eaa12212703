package store_test

import (
	"github.com/cdktr/cdktr/lib/principal"
	"github.com/cdktr/cdktr/lib/store"
)

var _ principal.Store = (*store.Store)(nil)
