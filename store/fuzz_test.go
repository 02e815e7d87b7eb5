package store_test

import (
	"reflect"
	"slices"
	"testing"

	"sutler"
	"sutler/store"
)

// FuzzGroups reads lists of sequence numbers: what can be read grows, and
// survives being written and read.
func FuzzGroups(f *testing.F) {
	f.Add(store.PackGroups([]int64{1, 2, 300, 1 << 40}))
	f.Add([]byte{0x80})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		sequences, err := store.UnpackGroups(b)
		if err != nil {
			return
		}
		if !slices.IsSorted(sequences) || len(sequences) > 0 && sequences[0] <= 0 {
			t.Errorf("%x gives %v", b, sequences)
		}
		again, err := store.UnpackGroups(store.PackGroups(sequences))
		if err != nil || !slices.Equal(again, sequences) {
			t.Errorf("%x gives %v, then %v, %v", b, sequences, again, err)
		}
	})
}

// FuzzGroup reads the records of a row: what can be read survives being
// written and read.
func FuzzGroup(f *testing.F) {
	f.Add(store.EncodeGroup(benchRecords("{a}", true)))
	f.Add(append(store.EncodeGroup(benchRecords("{a}", true)), store.EncodeGroup(benchRecords("{b}", false))...))
	f.Add([]byte{3, 1, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		rs, err := store.DecodeGroup(b)
		if err != nil {
			return
		}
		again, err := store.DecodeGroup(store.EncodeGroup(rs))
		if err != nil || len(again) != len(rs) || len(rs) > 0 && !same(again, rs) {
			t.Errorf("%x gives\n%+v, then\n%+v, %v", b, rs, again, err)
		}
	})
}

// same compares records; times that no clock shows count as equal.
func same(a, b []sutler.Record) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	for i := range a {
		if a[i].At.Equal(b[i].At) || b[i].At.UnixMicro() == 0 {
			a[i].At = b[i].At
		}
	}
	return reflect.DeepEqual(a, b)
}

// FuzzEntry reads packed entries of the index: what can be read survives
// being written and read.
func FuzzEntry(f *testing.F) {
	f.Add(store.PackEntry("ann", "bob", []string{"A\x00b"}, []int64{1 << 40, 1<<40 + 7}))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := store.RepackEntry(b)
		if err != nil {
			return
		}
		if third, err := store.RepackEntry(again); err != nil || string(third) != string(again) {
			t.Errorf("%x gives %x, then %x, %v", b, again, third, err)
		}
	})
}
