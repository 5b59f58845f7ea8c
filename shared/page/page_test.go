package page_test

import "errors"

var errBroken = errors.New("the disk is on fire")
