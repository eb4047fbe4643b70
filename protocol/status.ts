import { z } from 'zod';
import { LIMITS } from './constants.ts';
import { ErrorShape } from './errors.ts';

const Text = z.string().max(LIMITS.textChars);
const StatusFault = z.object({ ...ErrorShape.shape, code: Text, message: Text, advice: Text });

/** A place in a connection file where something is wrong or odd, with the fix. Never holds a secret's value. */
export const Problem = z.object({
  severity: z.enum(['error', 'warning']),
  code: Text,
  message: Text,
  advice: Text,
  file: Text,
  /** 1-based; absent when the whole file is meant. */
  line: z.int().positive().optional(),
  /** 1-based, in UTF-16 code units. */
  column: z.int().positive().optional(),
  /** The line itself, its keys alone: every value is hidden; absent when nothing can be shown safely. */
  excerpt: Text.optional(),
});
export type Problem = z.infer<typeof Problem>;

/** The most of them, and of a value in characters; whoever makes one cuts what is longer. */
export const SETTING_LIMITS = { settings: 20, name: 40, value: 500 } as const;

/**
 * An option of a connection that its file gives, by its name in the settings that a catalog may give: there the file wins, of
 * patterns both apply. For people: a value is as it would be written, lists with commas, and may be cut.
 */
export const ConnectionSetting = z.object({
  name: z.string().min(1).max(SETTING_LIMITS.name),
  value: z.string().max(SETTING_LIMITS.value),
});
export type ConnectionSetting = z.infer<typeof ConnectionSetting>;

/** Something that the policies of the agent and of the connection keep the catalog from asking, at any hour. */
export const Refusal = z.object({
  /** Kind of job. */
  kind: z.string().max(LIMITS.idChars),
  /** Only with this option: `full` of a crawl, `data` of a preview; absent: the kind as a whole. */
  option: z.string().max(LIMITS.idChars).optional(),
  /** The rule and its line, for people. */
  why: Text,
});
export type Refusal = z.infer<typeof Refusal>;

/** Lineage that the agent would make otherwise today, of apps that it kept. */
export const StaleLineage = z.object({
  /** Another text whenever something else changed, or changed again. */
  changed: z.string().max(100),
  apps: z.int().positive(),
  /** What changed, for people; of several things one. */
  why: Text,
});
export type StaleLineage = z.infer<typeof StaleLineage>;

/**
 * What the agent reports of one connection file. `code` is null while no version of the file could be read.
 * `error` with `inForce` means: the file is broken, the last good version keeps working.
 */
export const ConnectionState = z.object({
  file: Text,
  code: Text.nullable(),
  name: Text.nullable(),
  state: z.enum(['ready', 'disabled', 'error', 'absent']),
  /** Names the version in force, for this agent only: a keyed hash; null when none is. */
  inForce: Text.nullable(),
  /** When the version in force was loaded, ISO 8601. */
  loadedAt: Text.nullable(),
  url: Text.nullable(),
  authentication: Text.nullable(),
  environment: Text.nullable(),
  description: Text.nullable(),
  accessNotes: Text.nullable(),
  bypassCertificateValidation: z.boolean(),
  problems: z.array(Problem).max(LIMITS.statusItems),
  /** What the version in force gives itself; absent from agents that do not tell. */
  settings: z.array(ConnectionSetting).max(SETTING_LIMITS.settings).optional(),
  /** Absent: all lineage is as it would be made today, nothing was kept, or the agent does not look. */
  lineage: StaleLineage.optional(),
  /** Absent: everything may be asked, or the agent is an older one. */
  refuses: z.array(Refusal).max(50).optional(),
});
export type ConnectionState = z.infer<typeof ConnectionState>;

/** What the agent's own policy keeps the catalog from asking; the catalog cannot widen it. */
export const PolicyReport = z.object({
  /** The file, without its folder. */
  file: z.string(),
  /** `in_force`, or `broken`: the file as it stands cannot be used, and the last good one, or nothing, is allowed. */
  state: z.string(),
  /** One sentence for each thing that is not allowed. */
  denies: z.array(z.string()),
});
export type PolicyReport = z.infer<typeof PolicyReport>;

/** How the agent reaches the catalog. */
export const LinkReport = z.object({
  /** An open string for later ways; `websocket` or `polling`. */
  transport: z.string().max(40),
  /** In words for people. */
  why: z.string().max(1_000),
});
export type LinkReport = z.infer<typeof LinkReport>;

/** The agent's last-value status; sent in `auth`, then in `status` whenever it changed. */
export const AgentStatus = z.object({
  version: Text,
  hostname: Text,
  platform: Text,
  startedAt: Text,
  connectionsFolder: Text,
  connections: z.array(ConnectionState).max(LIMITS.statusItems),
  /** Connections that did not fit into the message: those that are not listed are not gone. */
  omittedConnections: z.int().positive().optional(),
  /** What keeps the agent as a whole from working, such as a full disk; absent or empty when nothing does. */
  faults: z.array(StatusFault).max(LIMITS.statusItems).optional(),
  /** True: the agent does not check the certificate of the catalog. */
  bypassCertificateValidation: z.boolean().optional(),
  /** Names the machine, for this agent only: a keyed hash of its id; absent where the machine has none. */
  machine: z.string().max(64).optional(),
  link: LinkReport.optional(),
  /** Absent: the agent has no policy of its own. */
  policy: PolicyReport.optional(),
  /**
   * What became of the catalog's wish for another log level: until when it is raised, or why the agent refused; absent when
   * neither is.
   */
  logLevel: z
    .object({
      level: z.string(),
      /** ISO 8601. */
      until: z.string().optional(),
      refused: z.string().optional(),
    })
    .optional(),
});
export type AgentStatus = z.infer<typeof AgentStatus>;
