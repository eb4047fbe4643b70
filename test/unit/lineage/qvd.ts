/** A QVD file as Qlik Sense writes it, made from the published description of its header; the data is noise. */
export interface QvdShape {
  readonly table: string;
  readonly creator: string;
  readonly rows: number;
  readonly fields: readonly {
    readonly name: string;
    readonly symbols: number;
    readonly type?: string;
    readonly comment?: string;
    readonly tags?: readonly string[];
  }[];
  readonly lineage?: readonly (readonly [discriminator: string, statement: string])[];
  readonly comment?: string;
  readonly tags?: readonly string[];
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const tagList = (tags: readonly string[] = []): string =>
  tags.map((tag) => `<String>${escaped(tag)}</String>`).join('');

export const qvdFile = (shape: QvdShape): Buffer => {
  const fields = shape.fields.map(
    ({ name, symbols, type = 'UNKNOWN', comment = '', tags }) => `    <QvdFieldHeader>
      <FieldName>${escaped(name)}</FieldName>
      <BitOffset>0</BitOffset>
      <BitWidth>8</BitWidth>
      <Bias>0</Bias>
      <NumberFormat>
        <Type>${type}</Type>
        <nDec>0</nDec>
        <UseThou>0</UseThou>
        <Fmt></Fmt>
        <Dec></Dec>
        <Thou></Thou>
      </NumberFormat>
      <NoOfSymbols>${symbols}</NoOfSymbols>
      <Offset>0</Offset>
      <Length>${symbols * 9}</Length>
      <Comment>${escaped(comment)}</Comment>
      <Tags>${tagList(tags)}</Tags>
    </QvdFieldHeader>`,
  );
  const lineage = (shape.lineage ?? []).map(
    ([discriminator, statement]) => `    <LineageInfo>
      <Discriminator>${escaped(discriminator)}</Discriminator>
      <Statement>${escaped(statement)}</Statement>
    </LineageInfo>`,
  );
  const header = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<QvdTableHeader>
  <QvBuildNo>50689</QvBuildNo>
  <CreatorDoc>${escaped(shape.creator)}</CreatorDoc>
  <CreateUtcTime>2025-03-04 05:06:07</CreateUtcTime>
  <SourceCreateUtcTime></SourceCreateUtcTime>
  <SourceFileUtcTime></SourceFileUtcTime>
  <SourceFileSize>-1</SourceFileSize>
  <StaleUtcTime></StaleUtcTime>
  <TableName>${escaped(shape.table)}</TableName>
  <Fields>
${fields.join('\n')}
  </Fields>
  <Compression></Compression>
  <RecordByteSize>${shape.fields.length}</RecordByteSize>
  <NoOfRecords>${shape.rows}</NoOfRecords>
  <Offset>0</Offset>
  <Length>${shape.rows * shape.fields.length}</Length>
  <Lineage>
${lineage.join('\n')}
  </Lineage>
  <Comment>${escaped(shape.comment ?? '')}</Comment>
  <EncryptionInfo></EncryptionInfo>
  <TableTags>${tagList(shape.tags)}</TableTags>
  <ProfilingData></ProfilingData>
</QvdTableHeader>
`;
  return Buffer.concat([Buffer.from(header.replaceAll('\n', '\r\n')), Buffer.from([0]), Buffer.alloc(64, 0xfe)]);
};
