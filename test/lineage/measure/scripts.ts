import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import { decodeText } from '../../../agent/lineage/text/decode.ts';

/** A script of a corpus: a folder of clones, each named `owner+repository`. */
export interface CorpusScript {
  /** Relative to the corpus. */
  readonly path: string;
  readonly text: string;
  /** Of the file; of an app, of its script in UTF-8. */
  readonly sha256: string;
}

const MOST_BYTES = 20_000_000;
const hash = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** All scripts below the folder, in the order of their paths, each text once: files, and scripts within QVW and QVF apps. */
export function scriptsIn(corpus: string): CorpusScript[] {
  const found = new Map<string, CorpusScript>();
  const paths = globSync(['**/*.qvs', '**/*.QVS', '**/LoadScript.txt', '**/*.qvw', '**/*.qvf'], { cwd: corpus });
  for (const path of paths.sort()) {
    const bytes = readFileSync(join(corpus, path));
    const app = /\.qv[wf]$/i.test(path);
    const texts = app ? scriptsOfApp(bytes) : [decodeText(bytes)];
    for (const text of texts) {
      const sha256 = hash(app ? text : bytes);
      if (text.trim() !== '' && !found.has(sha256)) found.set(sha256, { path, text, sha256 });
    }
  }
  return [...found.values()];
}

/** Scripts in the compressed blocks of an app: of a QVW as plain text, of a QVF as a property. */
export function scriptsOfApp(bytes: Buffer): string[] {
  const scripts: string[] = [];
  for (let at = bytes.indexOf(0x78); at >= 0; at = bytes.indexOf(0x78, at + 1)) {
    if (![0x01, 0x5e, 0x9c, 0xda].includes(bytes[at + 1] ?? 0)) continue;
    let block: Buffer;
    try {
      block = inflateSync(bytes.subarray(at), { maxOutputLength: MOST_BYTES });
    } catch {
      continue;
    }
    const script = block.includes('"qScript"') ? scriptProperty(block) : undefined;
    const start = block.indexOf('///$tab');
    if (script !== undefined) scripts.push(script);
    else if (start >= 0) {
      const end = block.indexOf(0, start);
      scripts.push(block.subarray(start, end < 0 ? block.length : end).toString('utf8'));
    }
  }
  return scripts;
}

function scriptProperty(block: Buffer): string | undefined {
  try {
    const properties: unknown = JSON.parse(block.toString('utf8').replace(/\0+$/, ''));
    if (typeof properties !== 'object' || properties === null || !('qScript' in properties)) return undefined;
    return typeof properties.qScript === 'string' ? properties.qScript : undefined;
  } catch {
    return undefined;
  }
}
