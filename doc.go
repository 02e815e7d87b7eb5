// Package sutler holds the words of transactional provisioning as types, and
// the interfaces between the parts of the engine. It is pure: no files, no
// network, no clock.
//
// The house from the bottom up:
//
//   - xmltree, xpath, xslt: XML trees, XPath 1.0 and XSLT 1.0. They know
//     nothing of provisioning.
//   - sutler (this package): Request, Response, Call, Record, Transaction,
//     Error and Code; the interfaces Engine, Provider, TransactionLog, Config,
//     Registrar and Monitor; how records are encoded and folded.
//   - procedure: compiles namespace files into checked programs.
//   - security: who may call what and as whom a step runs.
//   - engine: runs one request as one transaction, undoes it, recovers it.
//   - store: configuration and transaction log in SQL.
//   - provider and the packages below it: one for each outside system.
//   - server, client: the two ends of the wire.
//   - samples: namespaces and requests, for the demo, the tests and the reader.
//   - sutlertest: fakes and conformance suites, for tests only.
//   - cmd/sutler: the one program, which ties them together.
package sutler
