import { strToU8, zipSync } from 'fflate';
import type { BundleFile } from './collect.ts';

/** A zip of the files, in a folder of its own. */
export const archive = (folder: string, files: readonly BundleFile[]): Uint8Array =>
  zipSync(
    Object.fromEntries(files.map(({ name, text }) => [`${folder}/${name}`, strToU8(text)])),
    // Read by the user who made it alone, also where it is unpacked.
    { level: 6, os: 3, attrs: 0o100_600 << 16 },
  );
