package server

// Operations returns the method and path of every line of the table.
func Operations() []string {
	var all []string
	for _, op := range operations {
		all = append(all, op.method+" "+op.path)
	}
	return all
}
