// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of SQL in its template strings
import type { Mutation } from './mutation.ts';

const SEEN = 'test/unit/bridge/seen-jobs.test.ts';
const IDENTITY = 'test/unit/bridge/identity.test.ts';
const BRIDGE = 'test/unit/bridge/bridge.test.ts';
const TRUST = 'test/catalog/trust.test.ts';
const ADMISSION = 'test/catalog/admission.test.ts';

/** Who is believed: keys, signatures, and jobs that come a second time. */
export const TRUST_RULES: readonly Mutation[] = [
  {
    name: 'attempt-taken-once',
    rule: '§5: an attempt that is not later than the last of its job is not taken',
    file: 'agent/bridge/seen-jobs.ts',
    from: 'name === jobId && attempt <= latest))',
    to: 'name === jobId && attempt < 0 * latest))',
    caughtBy: {
      file: SEEN,
      test: 'an attempt is taken once, also after a restart; the next attempt of the job is taken',
    },
  },
  {
    name: 'attempt-of-the-text',
    rule: '§5: a text is taken for the attempt that it names and no other',
    file: 'agent/bridge/seen-jobs.ts',
    from: 'spec.attempt !== undefined && spec.attempt !== attempt)',
    to: 'spec.attempt !== undefined && attempt < 0)',
    caughtBy: { file: SEEN, test: 'a genuine text is not taken under another attempt' },
  },
  {
    name: 'issued-long-ago',
    rule: '§5: a text issued more than 10 minutes before the newest is not taken',
    file: 'agent/bridge/seen-jobs.ts',
    from: 'issuedMs < newestMs - TOLERANCE_MS)',
    to: 'issuedMs < 0)',
    caughtBy: {
      file: SEEN,
      test: 'what was issued long before the newest is refused, even if it never came: the clock of this machine plays no part',
    },
  },
  {
    name: 'text-of-another-session',
    rule: '§5: a text that repeats the challenge of another session is not taken',
    file: 'agent/bridge/seen-jobs.ts',
    from: "when === 'offered' && spec.challenge !== this.#challenge)",
    to: "when === 'offered' && spec.challenge === '')",
    caughtBy: { file: SEEN, test: 'a text that was signed for another session is refused, whatever the times say' },
  },
  {
    name: 'attempt-taken-once-in-a-session',
    rule: '§5: in its session an attempt is taken once',
    file: 'agent/bridge/seen-jobs.ts',
    from: 'attempt <= (this.#taken.get(jobId) ?? 0)',
    to: 'attempt <= 0 * (this.#taken.get(jobId) ?? 0)',
    caughtBy: { file: SEEN, test: 'in its session each attempt is taken once' },
  },
  {
    name: 'text-without-a-time',
    rule: '§5: texts without a time are not taken once one with a time was',
    file: 'agent/bridge/seen-jobs.ts',
    from: "return newestMs === null ? undefined : replayed('does not say when it was issued');",
    to: 'return undefined;',
    caughtBy: { file: SEEN, test: 'an older catalog names no time; once one did, a text without is refused' },
  },
  {
    name: 'job-of-another-agent',
    rule: '§5: a job that names another agent is rejected',
    file: 'agent/bridge/job-judge.ts',
    from: 'kind.data.agentId !== agentId)',
    to: "kind.data.agentId === '')",
    caughtBy: { file: BRIDGE, test: 'a genuine job that was signed for another agent is rejected and never run' },
  },
  {
    name: 'job-of-another-lease',
    rule: '§5: a job that names another than its lease is rejected',
    file: 'agent/bridge/job-judge.ts',
    from: 'if (kind.data.jobId !== jobId)',
    to: "if (kind.data.jobId === '')",
    caughtBy: { file: BRIDGE, test: 'a genuine job that comes under another lease is rejected and never run' },
  },
  {
    name: 'unknown-kind',
    rule: '§5: a job of a kind that nobody handles is rejected with job.unknown_kind',
    file: 'agent/bridge/job-judge.ts',
    from: "return new Fault('job.unknown_kind',",
    to: "return new Fault('internal',",
    caughtBy: { file: BRIDGE, test: 'a job of an unknown kind is rejected' },
  },
  {
    name: 'succession-of-the-catalog',
    rule: '§3: a signing key that the pinned one did not sign is not taken over',
    file: 'agent/bridge/identity.ts',
    from: "if (!verify(null, text, catalogKeyOf(catalogKey), Buffer.from(signature, 'base64'))) return 'refused';",
    to: '',
    caughtBy: { file: IDENTITY, test: 'whatever the pinned key did not sign for this organisation is refused' },
  },
  {
    name: 'newest-key-in-later-sessions',
    rule: '§3: in a later session only the newest signing key counts',
    file: 'agent/bridge/identity.ts',
    from: '    this.#offerKeys = new Map([[this.#stored.catalogKey, catalogKeyOf(this.#stored.catalogKey)]]);\n',
    to: '',
    caughtBy: {
      file: IDENTITY,
      test: 'a successor that the pinned one signed is pinned, also in a chain; jobs on the disk stay genuine',
    },
  },
  {
    name: 'key-durable-before-told',
    rule: '§3: a next key is durable before it is told',
    file: 'agent/bridge/identity.ts',
    from: '    await this.settled();\n',
    to: '',
    caughtBy: { file: IDENTITY, test: 'is told to nobody when it cannot be stored' },
  },
  {
    name: 'the-other-key',
    rule: '§3: an auth that is refused for one key is tried with the other',
    file: 'agent/bridge/identity.ts',
    from: 'this.#tryNext = this.#next !== undefined && !this.#tryNext;',
    to: '',
    caughtBy: {
      file: IDENTITY,
      test: 'is tried when the catalog knows the first one no more: the answer was lost, and a day went by',
    },
  },
  {
    name: 'proof-of-a-new-key',
    rule: '§3: a new key proves itself in this session',
    file: 'catalog/jobs/rotation.ts',
    from: 'if (!signatureHolds(key, keyProof(session.agentId, asked.nonce, asked.publicKey), asked.proof))',
    to: "if (asked.proof === '')",
    caughtBy: { file: TRUST, test: 'needs a proof made in this very session, and the current session' },
  },
  {
    name: 'rotation-epoch',
    rule: '§3: only the current session registers a key',
    file: 'catalog/jobs/rotation.ts',
    from: '      and epoch = ${session.epoch} for update`;',
    to: '      for update`;',
    caughtBy: { file: TRUST, test: 'needs a proof made in this very session, and the current session' },
  },
  {
    name: 'key-that-was-replaced',
    rule: '§3: a key that was replaced or revoked does not come back',
    file: 'catalog/jobs/rotation.ts',
    from: 'if (known?.revoked || known?.latest === false)',
    to: 'if (known?.revoked)',
    caughtBy: { file: TRUST, test: 'is bounded in number, and a key that was replaced does not come back' },
  },
  {
    name: 'challenge',
    rule: '§4: who did not sign the challenge is refused with 4505',
    file: 'catalog/jobs/session.ts',
    from: 'if (!signatureHolds(agent.publicKey, challenge(proof.host, proof.nonce, auth.agentId, auth.bootId), auth.signature))',
    to: "if (auth.signature === '')",
    caughtBy: { file: ADMISSION, test: 'a signature for another host is refused' },
  },
  {
    name: 'disabled-agent',
    rule: '§4: a disabled agent is refused with 4503',
    file: 'catalog/jobs/session.ts',
    from: 'if (before.disabled)',
    to: 'if (before.disabled && before.epoch < 0)',
    caughtBy: { file: ADMISSION, test: 'unknown, revoked and disabled agents are told apart' },
  },
];
