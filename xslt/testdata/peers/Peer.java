import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.SAXParserFactory;
import javax.xml.transform.Source;
import javax.xml.transform.Templates;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMResult;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.sax.SAXSource;
import javax.xml.transform.stream.StreamResult;
import javax.xml.transform.stream.StreamSource;
import net.sf.saxon.s9api.Processor;
import net.sf.saxon.s9api.XdmDestination;
import net.sf.saxon.s9api.XdmNode;
import net.sf.saxon.s9api.XsltExecutable;
import net.sf.saxon.s9api.XsltTransformer;
import org.xml.sax.InputSource;
import org.xml.sax.XMLReader;

/**
 * The Java side of BenchmarkPeers: Peer (saxon|xsltc) (bytes|tree) DOC SHEET. It
 * speaks as peer.c does.
 */
public class Peer {
	/** Work is what is timed; it leaves its result as bytes if asked for them. */
	interface Work {
		byte[] once(boolean bytes) throws Exception;
	}

	/** Reads src with a parser that is made once, as a good caller does. */
	static Source source(XMLReader reader, byte[] src) {
		return new SAXSource(reader, new InputSource(new ByteArrayInputStream(src)));
	}

	static XMLReader reader() throws Exception {
		SAXParserFactory parsers = SAXParserFactory.newInstance();
		parsers.setNamespaceAware(true);
		return parsers.newSAXParser().getXMLReader();
	}

	static Work saxon(boolean tree, byte[] src, File sheet) throws Exception {
		Processor processor = new Processor(false);
		XsltExecutable program = processor.newXsltCompiler().compile(new StreamSource(sheet));
		XMLReader reader = reader();
		if (!tree) {
			return bytes -> {
				ByteArrayOutputStream out = new ByteArrayOutputStream();
				XsltTransformer t = program.load();
				t.setSource(source(reader, src));
				t.setDestination(processor.newSerializer(out));
				t.transform();
				return out.toByteArray();
			};
		}
		XdmNode doc = processor.newDocumentBuilder().build(source(reader, src));
		return bytes -> {
			XdmDestination result = new XdmDestination();
			XsltTransformer t = program.load();
			t.setInitialContextNode(doc);
			t.setDestination(result);
			t.transform();
			XdmNode root = result.getXdmNode();
			if (!bytes) {
				return null;
			}
			ByteArrayOutputStream out = new ByteArrayOutputStream();
			processor.newSerializer(out).serializeNode(root);
			return out.toByteArray();
		};
	}

	static Work xsltc(boolean tree, byte[] src, File sheet) throws Exception {
		TransformerFactory factory = TransformerFactory.newInstance("com.sun.org.apache.xalan.internal.xsltc.trax.TransformerFactoryImpl", null);
		Templates program = factory.newTemplates(new StreamSource(sheet));
		XMLReader reader = reader();
		if (!tree) {
			return bytes -> {
				ByteArrayOutputStream out = new ByteArrayOutputStream();
				program.newTransformer().transform(source(reader, src), new StreamResult(out));
				return out.toByteArray();
			};
		}
		DocumentBuilderFactory builders = DocumentBuilderFactory.newInstance();
		builders.setNamespaceAware(true);
		DocumentBuilder builder = builders.newDocumentBuilder();
		DOMSource doc = new DOMSource(builder.parse(new ByteArrayInputStream(src)));
		return bytes -> {
			DOMResult result = new DOMResult(builder.newDocument());
			program.newTransformer().transform(doc, result);
			if (!bytes) {
				return null;
			}
			ByteArrayOutputStream out = new ByteArrayOutputStream();
			factory.newTransformer().transform(new DOMSource(result.getNode()), new StreamResult(out));
			return out.toByteArray();
		};
	}

	public static void main(String[] args) throws Exception {
		boolean tree = args[1].equals("tree");
		byte[] src = Files.readAllBytes(Path.of(args[2]));
		File sheet = new File(args[3]);
		Work work = args[0].equals("saxon") ? saxon(tree, src, sheet) : xsltc(tree, src, sheet);
		System.out.println("ready");
		BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
		for (String line; (line = in.readLine()) != null; ) {
			String[] words = line.split(" ", 2);
			if (words[0].equals("write")) {
				Files.write(Path.of(words[1]), work.once(true));
				System.out.println("done");
				continue;
			}
			int n = Integer.parseInt(words[1]);
			for (int i = 0; i < n; i++) {
				work.once(false);
			}
			System.out.println("done");
		}
	}
}
