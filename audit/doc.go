// Package audit is the auditing and recovery manager. It signs the heads of
// the hash chains that the transaction log consists of and anchors them outside
// the database, verifies a log against such statements, cuts off what retention
// no longer asks for, runs the commands that transactions left for the audit
// database, and lets its engine go on with what dead engines left.
//
// # What is proved
//
// Every row of the log is linked to the row before it (sutler.Link). A
// statement names the newest row of each chain with its link, the statement
// before it, and what was cut off, and is signed. So whoever changes, removes,
// adds or moves a row up to the newest signed one cannot hide it without the
// key; whoever cuts the end of a chain, or of the statements, is found by the
// copy of the statements outside the database, the anchor. What was written
// after the newest statement, ten seconds at most, is protected by nothing but
// the rights of the database.
package audit
