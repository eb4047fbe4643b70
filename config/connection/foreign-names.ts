/** What is said of an option that belongs to another product. */
interface ForeignName {
  readonly message: string;
  readonly advice: string;
}

const USELESS = 'Nothing needs to be done; the line may be deleted.';

const instead = (name: string, ours: string, value: string): ForeignName => ({
  message: `${name} is an option of another product; here it is called ${ours}.`,
  advice: `Write ${ours} = ${value}.`,
});
const inUrl = (name: string): ForeignName => ({
  message: `${name} is an option of another product; here it is a part of connection.url.`,
  advice: 'Write connection.url = "https://host:port/prefix", with the prefix of the virtual proxy.',
});
const useless = (name: string, why: string): ForeignName => ({
  message: `${name} has no effect: ${why}.`,
  advice: USELESS,
});
/**
 * Options as they are labelled in the forms of other catalogs (Atlan, OvalEdge, Alation, OpenMetadata), which people carry
 * over by hand; the key is the label without anything but small letters.
 */
const FOREIGN: Readonly<Record<string, ForeignName>> = {
  certificatepath: instead('Certificate Path', 'connection.auth.certificate.path', '"client.pem"'),
  certificatespath: instead('Certificates Path', 'connection.auth.certificate.path', '"certificates"'),
  certificatepassword: instead('Certificate Password', 'connection.auth.certificate.password', '"…"'),
  certificatespassword: instead('Certificates Password', 'connection.auth.certificate.password', '"…"'),
  clientcertificate: instead('clientCertificate', 'connection.auth.certificate.path', '"client.pem"'),
  clientkeycertificate: instead('clientKeyCertificate', 'connection.auth.certificate.key_path', '"client_key.pem"'),
  rootcertificate: instead('rootCertificate', 'connection.auth.certificate.ca_path', '"root.pem"'),
  aliashostname: instead('Alias Host Name', 'connection.alias_host', '"qlik.example.com"'),
  aliashost: instead('Alias Host', 'connection.alias_host', '"qlik.example.com"'),
  connectionurl: instead('Connection URL', 'connection.url', '"https://qlik.example.com/prefix"'),
  hostport: instead('hostPort', 'connection.url', '"https://qlik.example.com:4242"'),
  displayurl: instead('displayUrl', 'connection.display_url', '"https://qlik.example.com"'),
  userdirectory: instead('User Directory', 'connection.auth.user_directory', '"INTERNAL"'),
  userid: instead('User Id', 'connection.auth.user_id', '"sa_api"'),
  jwttoken: instead('JWT Token', 'connection.auth.token', '"…"'),
  validatehostname: instead('validateHostName', 'tls.verify_host_name', 'true'),
  proxyenabled: {
    message: 'Proxy Enabled is an option of another product; here a proxy is used when one is named.',
    advice: 'Write proxy.hostname and proxy.port, or delete the line.',
  },
  host: inUrl('Host'),
  hostname: inUrl('Host Name'),
  server: inUrl('Server'),
  port: inUrl('Port'),
  prefix: inUrl('Prefix'),
  virtualproxy: inUrl('Virtual Proxy'),
  virtualproxyprefix: inUrl('Virtual Proxy Prefix'),
  isvirtualproxyenabled: inUrl('Is Virtual Proxy Enabled'),
  stagingdir: useless('stagingDir', 'nothing is copied to a staging folder'),
  stagingfolder: useless('Staging Folder', 'nothing is copied to a staging folder'),
  stagingpath: useless('Staging Path', 'nothing is copied to a staging folder'),
  xmlpath: useless('XML Path', 'everything is read from the site itself, nothing from XML files'),
  xmlspath: useless('XMLs Path', 'everything is read from the site itself, nothing from XML files'),
  xmlfolder: useless('XML Folder', 'everything is read from the site itself, nothing from XML files'),
  xmlfilepath: useless('XML File Path', 'everything is read from the site itself, nothing from XML files'),
  qvdspath: instead('QVDs Path', 'paths.qvds', '[{ from = "lib://QVD", to = "…" }]'),
  qvdpath: instead('QVD Path', 'paths.qvds', '[{ from = "lib://QVD", to = "…" }]'),
  qvspath: instead('QVS Path', 'paths.qvs', '[{ from = "lib://Scripts", to = "…" }]'),
  logspath: instead('Logs Path', 'paths.logs', '[{ from = "lib://Logs", to = "…" }]'),
  logpath: instead('Log Path', 'paths.logs', '[{ from = "lib://Logs", to = "…" }]'),
  crawlstreams: instead('Crawl Streams', 'crawl.streams', 'true'),
  includestreams: instead('Include Streams', 'crawl.include.streams', '["Finance"]'),
  excludestreams: instead('Exclude Streams', 'crawl.exclude.streams', '["Test*"]'),
  excludeunpublishedapps: instead('Exclude Unpublished Apps', 'crawl.unpublished_apps', 'false'),
  excludeunpublishedsheets: instead('Exclude Unpublished Sheets', 'crawl.unpublished_sheets', 'false'),
  enablefilterpane: useless('Enable Filter Pane', 'filter panes are always read'),
  qliksenseversion: useless('Qlik Sense Version', 'the site is asked what it can do'),
  licensetype: useless('License Type', 'nothing depends on it'),
  governanceroles: useless('Governance Roles', 'who may see what is decided in the catalog'),
  connectionadmins: useless('Connection Admins', 'who may see what is decided in the catalog'),
};

/** What to say of a key that is an option of another product, by its last part; undefined for any other key. */
export const foreignName = (path: string): ForeignName | undefined => {
  const label = (path.split('.').at(-1) ?? '').toLowerCase().replaceAll(/[^a-z]/g, '');
  return Object.hasOwn(FOREIGN, label) ? FOREIGN[label] : undefined;
};
