// Package hostile attacks the whole: every door at which something from
// outside comes in. Its cases are the files of testdata/hostile at the root of
// the module, one a file, each with the verdict that it must get. It consists
// of tests alone.
package hostile
