/* The libxslt side of BenchmarkPeers.
 *
 *   peer bytes DOC SHEET      parse, transform, serialize
 *   peer tree  DOC SHEET      transform a tree that was parsed once
 *   peer parse DOC            parse
 *   peer xpath DOC FROM EXPR  evaluate a compiled expression
 *
 * It prints "ready", obeys lines on its input and answers each with "done": "run N"
 * does the work N times, "write PATH" does it once and writes what comes out to a
 * file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <libxslt/transform.h>
#include <libxslt/xsltInternals.h>
#include <libxslt/xsltutils.h>

static char *src;
static int src_len;
static xmlDocPtr doc;
static xsltStylesheetPtr sheet;
static xmlXPathContextPtr context;
static xmlXPathCompExprPtr expr;
static xmlNodePtr from;

static void die(const char *what, const char *which) {
	fprintf(stderr, "peer: cannot %s %s\n", what, which);
	exit(1);
}

static void *must(void *p, const char *what, const char *which) {
	if (p == NULL)
		die(what, which);
	return p;
}

static void slurp(const char *path) {
	FILE *f = must(fopen(path, "rb"), "open", path);
	fseek(f, 0, SEEK_END);
	src_len = ftell(f);
	rewind(f);
	src = must(malloc(src_len), "hold", path);
	if (fread(src, 1, src_len, f) != (size_t)src_len)
		die("read", path);
	fclose(f);
}

static xmlDocPtr parse(void) {
	return must(xmlReadMemory(src, src_len, "input.xml", NULL, 0), "parse", "the document");
}

static xmlDocPtr transform(xmlDocPtr d) {
	return must(xsltApplyStylesheet(sheet, d, NULL), "transform", "the document");
}

/* serialize writes a result to memory and, if there is a file, to that. */
static void serialize(xmlDocPtr result, FILE *to) {
	xmlChar *text = NULL;
	int len = 0;
	if (xsltSaveResultToString(&text, &len, result, sheet) < 0)
		die("serialize", "the result");
	if (to != NULL)
		fwrite(text, 1, len, to);
	xmlFree(text);
}

static void do_bytes(FILE *to) {
	xmlDocPtr d = parse(), result = transform(d);
	serialize(result, to);
	xmlFreeDoc(result);
	xmlFreeDoc(d);
}

static void do_tree(FILE *to) {
	xmlDocPtr result = transform(doc);
	if (to != NULL)
		serialize(result, to);
	xmlFreeDoc(result);
}

static void do_parse(FILE *to) {
	xmlDocPtr d = parse();
	if (to != NULL)
		xmlDocDump(to, d);
	xmlFreeDoc(d);
}

static void do_xpath(FILE *to) {
	context->node = from;
	xmlXPathObjectPtr v = must(xmlXPathCompiledEval(expr, context), "evaluate", "the expression");
	if (to != NULL && v->type == XPATH_NODESET) {
		int n = v->nodesetval == NULL ? 0 : v->nodesetval->nodeNr;
		xmlXPathNodeSetSort(v->nodesetval);
		fprintf(to, "%d nodes\n", n);
		for (int i = 0; i < n; i++) {
			xmlChar *s = xmlNodeGetContent(v->nodesetval->nodeTab[i]);
			fprintf(to, "%s\n", s);
			xmlFree(s);
		}
	} else if (to != NULL) {
		xmlChar *s = xmlXPathCastToString(v);
		fprintf(to, "%s\n", s);
		xmlFree(s);
	}
	xmlXPathFreeObject(v);
}

int main(int argc, char **argv) {
	void (*work)(FILE *) = NULL;
	if (argc < 3)
		die("understand", "the arguments");
	xmlInitParser();
	slurp(argv[2]);
	if (strcmp(argv[1], "parse") == 0)
		work = do_parse;
	else
		doc = parse();
	if (strcmp(argv[1], "bytes") == 0 && argc == 4)
		work = do_bytes;
	if (strcmp(argv[1], "tree") == 0 && argc == 4)
		work = do_tree;
	if (strcmp(argv[1], "xpath") == 0 && argc == 5) {
		work = do_xpath;
		context = must(xmlXPathNewContext(doc), "make", "a context");
		xmlXPathObjectPtr v = must(xmlXPathEvalExpression(BAD_CAST argv[3], context), "evaluate", argv[3]);
		if (xmlXPathNodeSetIsEmpty(v->nodesetval))
			die("find", argv[3]);
		from = v->nodesetval->nodeTab[0];
		xmlXPathFreeObject(v);
		expr = must(xmlXPathCompile(BAD_CAST argv[4]), "compile", argv[4]);
	} else if (work != do_parse) {
		sheet = must(xsltParseStylesheetFile(BAD_CAST argv[3]), "compile", argv[3]);
	}
	if (work == NULL)
		die("understand", argv[1]);

	puts("ready");
	fflush(stdout);
	char line[4096];
	while (fgets(line, sizeof line, stdin) != NULL) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "run ", 4) == 0) {
			long n = atol(line + 4);
			for (long i = 0; i < n; i++)
				work(NULL);
			puts("done");
		} else if (strncmp(line, "write ", 6) == 0) {
			FILE *to = must(fopen(line + 6, "wb"), "write", line + 6);
			work(to);
			fclose(to);
			puts("done");
		} else {
			die("understand", line);
		}
		fflush(stdout);
	}
	return 0;
}
