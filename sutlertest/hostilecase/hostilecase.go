// Package hostilecase has what tests of hostile input share: how their files spell
// large texts, and the memory of the process that a case runs in.
package hostilecase

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// SpellOut carries out the repetitions of s: ⟦N:TEXT⟧ is TEXT N times, in which №
// is the number of the time, from 0, and №′ the one after. It panics when s is
// not well formed.
func SpellOut(s string) []byte {
	var b bytes.Buffer
	var write func(string)
	write = func(s string) {
		for {
			before, rest, ok := strings.Cut(s, "⟦")
			b.WriteString(before)
			if !ok {
				return
			}
			count, rest, _ := strings.Cut(rest, ":")
			n, err := strconv.Atoi(count)
			if err != nil {
				panic(err)
			}
			end := repetitionEnd(rest)
			body := rest[:end]
			s = rest[end+len("⟧"):]
			if !strings.ContainsAny(body, "№⟦") {
				for range n {
					b.WriteString(body)
				}
				continue
			}
			for i := range n {
				write(Numbered(body, i))
			}
		}
	}
	write(s)
	return b.Bytes()
}

// Numbered puts the number i into s, except in the repetitions within.
func Numbered(s string, i int) string {
	before, rest, inner := strings.Cut(s, "⟦")
	before = strings.ReplaceAll(before, "№′", strconv.Itoa(i+1))
	before = strings.ReplaceAll(before, "№", strconv.Itoa(i))
	if !inner {
		return before
	}
	end := repetitionEnd(rest)
	return before + "⟦" + rest[:end] + "⟧" + Numbered(rest[end+len("⟧"):], i)
}

// repetitionEnd returns where the repetition that s is in ends.
func repetitionEnd(s string) int {
	open := 1
	for i, r := range s {
		switch r {
		case '⟦':
			open++
		case '⟧':
			if open--; open == 0 {
				return i
			}
		}
	}
	panic("a repetition does not end: " + s)
}

// StatusBytes reads a size from the status of this process, such as VmHWM, the most memory
// that it had.
func StatusBytes(what string) (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "\n"+what+":")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		return 0, fmt.Errorf("cannot read %s: %w", what, err)
	}
	return kib << 10, nil
}
