import type { Addresses } from '#test/simulator/simulator.ts';

/** A connection file as an administrator would write it, for a simulated site at these addresses. */
export const connectionFile = ({ header, certificates }: Addresses): string => {
  const { url, headerName, headerValue } = header;
  return `# One file, one Qlik Sense site. Edit it and look at the catalog: changes are live within seconds.
name = "Demo site"
code = "demo"                        # first part of every key; changing it makes a new connection
connector_id = "qlik-sense"
environment = "demo"

connection {
  url = "${url}"                     # with the prefix of the virtual proxy
  auth.key = "${headerName}"         # the header that the virtual proxy reads
  auth.value = """${headerValue}"""  # in triple quotes a backslash is a backslash
}

tls.truststore {
  path = "${certificates.rootPath}"
  type = "PEM"
}
`;
};
