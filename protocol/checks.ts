import { z } from 'zod';

/**
 * What the doctor looks at, in the order in which the packets travel. A check whose ground is missing is skipped, never
 * failed: one cause gives one FAIL.
 */
export const CHECK_IDS = [
  'file',
  'secrets',
  'dns',
  'tcp',
  'proxy',
  'tls',
  'virtual_proxy',
  'authentication',
  'repository',
  'objects',
  'websocket',
  'engine',
  'open_app',
  'rights',
  'sessions',
] as const;
export type CheckId = (typeof CHECK_IDS)[number];

/** Checks of the link to the catalog, in their order. */
export const LINK_CHECK_IDS = ['file', 'secrets', 'dns', 'tcp', 'proxy', 'tls', 'upgrade', 'enrolment'] as const;
export type LinkCheckId = (typeof LINK_CHECK_IDS)[number];

export const CHECK_STATUSES = ['pass', 'fail', 'skip'] as const;
export type CheckStatus = (typeof CHECK_STATUSES)[number];

/** The most that a record of a test may hold; whoever makes one cuts what is longer. In characters, or in pieces. */
export const CHECK_LIMITS = { text: 2_000, line: 500, lines: 60, name: 200, fields: 40 } as const;

/**
 * What one check found. In the stream of a job of kind `test` each is one record, sent as it is found; `target` says
 * whether it is about the connection or about the agent's own link to the catalog.
 */
export const CheckRecord = z.object({
  t: z.literal('check'),
  target: z.enum(['connection', 'link']),
  /** One of {@link CHECK_IDS} or {@link LINK_CHECK_IDS}; a newer agent may know more. */
  check: z.string().min(1).max(60),
  status: z.enum(CHECK_STATUSES),
  /** What was seen, for people: one or two sentences; for a skipped check why. */
  seen: z.string().max(CHECK_LIMITS.text),
  /** With `fail` always: a code of the error table. With `pass`: something that works and still deserves a look. */
  code: z.string().max(100).optional(),
  /** What to do; with `code` always. */
  advice: z.string().max(CHECK_LIMITS.text).optional(),
  /** Facts that a person compares: the chain as served, counts by kind. One line each, no secrets. */
  details: z.array(z.string().max(CHECK_LIMITS.line)).max(CHECK_LIMITS.lines),
  durationMs: z.int().nonnegative(),
});
export type CheckRecord = z.infer<typeof CheckRecord>;

/**
 * What an administrator enters in one form of the QMC for this connection, as `culvert doctor --rules` prints it. In the
 * stream of a job of kind `test` each form is one record, behind the checks of the connection, if the job asks for them.
 */
export const SettingsRecord = z.object({
  t: z.literal('settings'),
  /** Which form: `QMC > Security rules > Create new, for CORP\\svc_culvert`. */
  title: z.string().min(1).max(CHECK_LIMITS.line),
  /** True: they mend the first check that failed. */
  mends: z.boolean(),
  /** In the order of the form. No secrets. */
  fields: z
    .array(z.object({ name: z.string().min(1).max(CHECK_LIMITS.name), value: z.string().max(CHECK_LIMITS.text) }))
    .max(CHECK_LIMITS.fields),
});
export type SettingsRecord = z.infer<typeof SettingsRecord>;
