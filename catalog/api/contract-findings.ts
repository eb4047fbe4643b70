import { z } from 'zod';
import { FINDING_CODES, SEVERITIES } from '#catalog/store/finding-codes.ts';
import { ASSET_KINDS } from '#protocol/records.ts';

export const FindingCode = z.enum(FINDING_CODES);
export const Severity = z.enum(SEVERITIES);

/** Something in what was crawled that deserves a look. It goes with the publish that mended it. */
export const Finding = z
  .object({
    code: FindingCode,
    severity: Severity,
    connection: z.string(),
    /** The asset that it is about. */
    key: z.string(),
    kind: z.enum(ASSET_KINDS),
    name: z.string(),
    /** The app around it; null of what concerns the site. */
    app: z.string().nullable(),
    appName: z.string().nullable(),
    /** A sentence for people. */
    message: z.string(),
    /** What it was judged by: differs by code; lists are cut, the counts beside them are whole. */
    facts: z.record(z.string(), z.json()),
    firstSeenAt: z.iso.datetime(),
    /** The newest crawl saw it first (not: the connection's first crawl). */
    isNew: z.boolean(),
  })
  .meta({ id: 'Finding' });
export type Finding = z.infer<typeof Finding>;

export const FindingList = z.object({ items: z.array(Finding), next: z.string().nullable() });

/** By code, the gravest first. */
export const FindingCounts = z
  .object({
    items: z.array(z.object({ code: FindingCode, severity: Severity, count: z.int(), new: z.int() })),
  })
  .meta({ id: 'FindingCounts' });
export type FindingCounts = z.infer<typeof FindingCounts>;
