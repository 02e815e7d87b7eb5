package main

import (
	"errors"
	"os"
	"path/filepath"
)

// asideFile ends the names of files that are not in place yet.
const asideFile = ".new"

// createAside makes the file, of mode 0600, that is to take the place of file.
func createAside(file string) (*os.File, error) {
	return os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*"+asideFile)
}

// putInPlace makes b the content of file, for the owner alone and durable: whoever
// reads it meanwhile gets all of it or what was there before. A kill may leave a
// file of createAside.
func putInPlace(file string, b []byte) error {
	f, err := createAside(file)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
