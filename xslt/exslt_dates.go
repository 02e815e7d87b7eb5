package xslt

import (
	"math"

	"sutler/xpath"
)

var monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}

var dayNames = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}

// dateFunction returns a function of the EXSLT module dates-and-times. The
// current date is that of Env.Now. What is no date in a form that the function
// takes gives NaN or the empty string.
func dateFunction(name string) (xpath.Function, bool) {
	switch name {
	case "date-time":
		return extensionFunc(0, 0, xpath.StringType, func(c *xpath.Context, _ []xpath.Value) (xpath.Value, error) {
			return xpath.String(dateNow(c).String()), nil
		})
	case "seconds":
		return extensionFunc(0, 1, xpath.NumberType, secondsSince1970)
	case "duration":
		return extensionFunc(0, 1, xpath.StringType, durationOfSeconds)
	case "difference":
		return extensionFunc(2, 2, xpath.StringType, dateDifference)
	case "add":
		return extensionFunc(2, 2, xpath.StringType, addToDate)
	case "add-duration":
		return extensionFunc(2, 2, xpath.StringType, addDurations)
	case "sum":
		return overNodes("date:sum", 1, xpath.StringType, sumDurations)
	case "format-date":
		return withPicture(formatDate)
	case "parse-date":
		return withPicture(parseByPicture)
	case "leap-year":
		return ofDate(xpath.AnyType, isRightTruncated, func(d *date) xpath.Value { return xpath.Boolean(leapYear(d.year)) })
	}
	if takes, number := datePart(name); number != nil {
		return ofDate(xpath.NumberType, takes, func(d *date) xpath.Value { return xpath.Number(number(d)) })
	}
	if takes, word := dateWord(name); word != nil {
		return ofDate(xpath.StringType, takes, func(d *date) xpath.Value { return xpath.String(word(d)) })
	}
	return xpath.Function{}, false
}

// datePart returns a function that is a number, and the forms that it takes.
func datePart(name string) (takes func(dateParts) bool, number func(d *date) float64) {
	switch name {
	case "year":
		return isRightTruncated, func(d *date) float64 { return float64(d.shownYear()) }
	case "month-in-year":
		return having(hasMonth), func(d *date) float64 { return float64(d.month) }
	case "week-in-year":
		return having(dateOnly), func(d *date) float64 { return float64(d.week()) }
	case "week-in-month":
		return having(dateOnly), func(d *date) float64 { return float64(d.weekOfMonth()) }
	case "day-in-year":
		return having(dateOnly), func(d *date) float64 { return float64(d.yearDay()) }
	case "day-in-month":
		return having(hasDay), func(d *date) float64 { return float64(d.day) }
	case "day-of-week-in-month":
		return having(dateOnly), func(d *date) float64 { return float64(d.weekdayOfMonth()) }
	case "day-in-week":
		return having(dateOnly), func(d *date) float64 { return float64(d.weekday() + 1) }
	case "hour-in-day":
		return having(hasTime), func(d *date) float64 { return float64(d.hour) }
	case "minute-in-hour":
		return having(hasTime), func(d *date) float64 { return float64(d.min) }
	case "second-in-minute":
		return having(hasTime), func(d *date) float64 { return float64(int64(d.sec)*1e9+int64(d.nano)) / 1e9 }
	}
	return nil, nil
}

// dateWord returns a function that is a string, and the forms that it takes.
func dateWord(name string) (takes func(dateParts) bool, word func(d *date) string) {
	switch name {
	case "date":
		return having(dateOnly), func(d *date) string { return d.only(dateOnly).String() }
	case "time":
		return having(hasTime), func(d *date) string { return d.only(hasTime).String() }
	case "month-name":
		return having(hasMonth), func(d *date) string { return monthNames[d.month-1] }
	case "month-abbreviation":
		return having(hasMonth), func(d *date) string { return monthNames[d.month-1][:3] }
	case "day-name":
		return having(dateOnly), func(d *date) string { return dayNames[d.weekday()] }
	case "day-abbreviation":
		return having(dateOnly), func(d *date) string { return dayNames[d.weekday()][:3] }
	}
	return nil, nil
}

func having(wanted dateParts) func(dateParts) bool {
	return func(p dateParts) bool { return p&wanted == wanted }
}

// isRightTruncated reports whether p is a dateTime, date, gYearMonth or gYear.
func isRightTruncated(p dateParts) bool { return p&hasYear != 0 }

// dateNow is the date of the run.
func dateNow(c *xpath.Context) date { return dateOf(host(c).env.Now) }

// argDate returns the date in argument i, the current one if there is none.
func argDate(c *xpath.Context, args []xpath.Value, i int, takes func(dateParts) bool) (date, bool, error) {
	if len(args) <= i {
		return dateNow(c), true, nil
	}
	s, err := argText(c, args, i)
	if err != nil {
		return date{}, false, err
	}
	d, ok := parseDate(s)
	return d, ok && takes(d.has), nil
}

// ofDate returns a function of a date that may be left out.
func ofDate(result xpath.Type, takes func(dateParts) bool, of func(d *date) xpath.Value) (xpath.Function, bool) {
	none := xpath.Number(math.NaN())
	if result == xpath.StringType {
		none = xpath.String("")
	}
	return extensionFunc(0, 1, result, func(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
		d, ok, err := argDate(c, args, 0, takes)
		if !ok || err != nil {
			return none, err
		}
		return of(&d), nil
	})
}

// secondsSince1970 also takes a duration without months.
func secondsSince1970(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	if len(args) == 1 {
		s, err := argText(c, args, 0)
		if err != nil {
			return xpath.Value{}, err
		}
		if u, ok := parseDuration(s); ok {
			if u.months != 0 {
				return xpath.Number(math.NaN()), nil
			}
			return xpath.Number(decimalSeconds(u.secs, u.nanos)), nil
		}
	}
	d, ok, err := argDate(c, args, 0, isRightTruncated)
	if !ok || err != nil {
		return xpath.Number(math.NaN()), err
	}
	return xpath.Number(decimalSeconds(d.seconds(), int64(d.nano))), nil
}

// decimalSeconds returns seconds and nanoseconds as the nearest number.
func decimalSeconds(secs, nanos int64) float64 {
	if -1<<33 < secs && secs < 1<<33 {
		return float64(secs*1e9+nanos) / 1e9
	}
	return float64(secs) + float64(nanos)/1e9
}

func durationOfSeconds(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	f := 0.0
	if len(args) == 1 {
		f = args[0].Num()
	} else {
		d := dateNow(c)
		f = float64(d.seconds())
	}
	return writtenDuration(durationOf(f)), nil
}

// writtenDuration returns a duration as a string, the empty one if it is none.
func writtenDuration(u duration, ok bool) xpath.Value {
	if !ok {
		return xpath.String("")
	}
	return xpath.String(u.String())
}

func dateDifference(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	d, ok, err := argDate(c, args, 0, isRightTruncated)
	if !ok || err != nil {
		return xpath.String(""), err
	}
	e, ok, err := argDate(c, args, 1, isRightTruncated)
	if !ok || err != nil {
		return xpath.String(""), err
	}
	return writtenDuration(d.until(e)), nil
}

func addToDate(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	d, ok, err := argDate(c, args, 0, isRightTruncated)
	if !ok || err != nil {
		return xpath.String(""), err
	}
	s, err := argText(c, args, 1)
	if err != nil {
		return xpath.Value{}, err
	}
	u, ok := parseDuration(s)
	if !ok {
		return xpath.String(""), nil
	}
	sum, ok := d.add(u)
	if !ok {
		return xpath.String(""), nil
	}
	return xpath.String(sum.String()), nil
}

func addDurations(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	all, err := argTexts(c, args)
	if err != nil {
		return xpath.Value{}, err
	}
	return writtenDuration(sumOf(all)), nil
}

// sumDurations adds the string-values of nodes. No nodes have no sum.
func sumDurations(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	all, err := argList(c, args[0])
	if err != nil || len(all) == 0 {
		return xpath.String(""), err
	}
	return writtenDuration(sumOf(all)), nil
}

// sumOf adds durations. Only the whole sum must be one.
func sumOf(all []string) (sum duration, ok bool) {
	for _, s := range all {
		u, ok := parseDuration(s)
		if !ok {
			return sum, false
		}
		if sum, ok = sum.plus(u); !ok {
			return sum, false
		}
	}
	return sum, sum.oneSign()
}

// weekOfMonth returns the number of the week, which begins on Monday, in the
// month of d; the first may be short.
func (d *date) weekOfMonth() int {
	first := date{year: d.year, month: d.month, day: 1}
	return (d.day+(first.weekday()+6)%7-1)/7 + 1
}

// weekdayOfMonth returns how many days like that of d the month has had.
func (d *date) weekdayOfMonth() int { return (d.day-1)/7 + 1 }
