package xslt_test

import "sutler/xslt"

func sheetOptions(files map[string]string) xslt.Options { return xslt.Options{} }

// whole: the constructs that main lacks so far.
const whole = false
