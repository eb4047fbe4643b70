// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are pieces of SQL in its template strings
import type { Mutation } from './mutation.ts';

const STAGING = 'test/catalog/staging.test.ts';
const LEASES = 'test/catalog/leases.test.ts';
const PUBLISH = 'test/catalog/publish.test.ts';
const PARTS = 'test/catalog/parts.test.ts';
const TRUST = 'test/catalog/trust.test.ts';
const MODEL = 'test/faults/simulation/store-model.ts';
const PUBLISHER = 'test/faults/simulation/store-publisher.ts';
const SCOPES = 'test/faults/simulation/store-scopes.ts';
const ROWS = 'test/faults/simulation/store-rows.ts';
const LEASE_MODEL = 'test/faults/simulation/store-leases.ts';
const STORES = 'test/faults/simulation/store.test.ts';
const LISTS = 'test/faults/simulation/store-lists.ts';
const NOTEBOOK = 'test/faults/simulation/notebook.ts';

/** What the store must check: in its SQL, and in the model of it that the simulation has. */
export const STORE_RULES: readonly Mutation[] = [
  {
    name: 'batch-token',
    rule: '§5: every batch carries the lease',
    file: 'catalog/jobs/staging.ts',
    from: "a.agent_id = fence.id and a.lease_token = ${lease.leaseToken} and a.state = 'active'",
    to: "a.agent_id = fence.id and a.state = 'active'",
    caughtBy: { file: STAGING, test: 'another token, attempt or epoch is lost, whatever the number' },
  },
  {
    name: 'batch-epoch',
    rule: '§5: the store checks the epoch of every batch',
    file: 'catalog/jobs/staging.ts',
    from: 'and id = ${agentId} and epoch = ${epoch} for share',
    to: 'and id = ${agentId} for share',
    caughtBy: { file: STAGING, test: 'another token, attempt or epoch is lost, whatever the number' },
  },
  {
    name: 'batch-seq',
    rule: '§7: a batch follows the durable seq',
    file: 'catalog/jobs/staging.ts',
    from: 'and a.durable_seq = ${batch.seq}::bigint - 1',
    to: 'and a.durable_seq < ${batch.seq}::bigint',
    caughtBy: { file: STAGING, test: 'a gap is told so, changes nothing, and is told the durable seq' },
  },
  {
    name: 'lease-token',
    rule: '§5: renewal and finish carry the lease',
    file: 'catalog/jobs/lease.ts',
    from: '      and a.lease_token = ${lease.leaseToken} and a.agent_id = ${agentId}\n    for update of j, a`;',
    to: '      and a.agent_id = ${agentId}\n    for update of j, a`;',
    caughtBy: { file: LEASES, test: 'another lease token can do nothing' },
  },
  {
    name: 'finish-epoch',
    rule: '§5: the store checks the epoch of every finish',
    file: 'catalog/jobs/finish.ts',
    from: "    if (!(await isCurrent(tx, session))) return { result: 'lost', durableSeq: 0 };\n",
    to: '',
    caughtBy: { file: LEASES, test: 'an older session of the agent can do nothing any more' },
  },
  {
    name: 'same-agent-grace',
    rule: '§5: an expired lease may be renewed by the same agent',
    file: 'catalog/jobs/lease.ts',
    from: " || (row.jobState === 'queued' && row.free)",
    to: '',
    caughtBy: { file: LEASES, test: 'comes back and goes on where it stood, also when its lease ran out' },
  },
  {
    name: 'quarantine',
    rule: '§9: two processes with one identity are told apart by flapping',
    file: 'catalog/jobs/clones.ts',
    from: 'if ((flaps?.returns ?? 0) < RETURNS) return false;',
    to: 'if ((flaps?.returns ?? 0) < 1e9) return false;',
    caughtBy: {
      file: TRUST,
      test: 'flapping is noticed and both are turned away, until somebody says that one is gone',
    },
  },
  {
    name: 'parts-are-joined',
    rule: '§8: the parts of one record are joined in order',
    file: 'catalog/jobs/parts.ts',
    from: 'if (run?.lastSeq !== seq - 1)',
    to: 'if (run === undefined && seq < 0)',
    caughtBy: { file: PARTS, test: 'that begins in its middle makes the attempt unusable' },
  },
  {
    name: 'scope-begins-again',
    rule: '§8: a scope record of an open scope starts it afresh',
    file: 'catalog/jobs/scope-reader.ts',
    from: '    if (before !== undefined) {\n',
    to: '    if (before !== undefined) return;\n    if (before !== undefined) {\n',
    caughtBy: { file: PUBLISH, test: 'a scope that begins again forgets what came before' },
  },
  {
    name: 'scope-hash',
    rule: '§8: a scope that does not agree with its outcome is not published',
    file: 'catalog/jobs/scope-reader.ts',
    from: 'found !== record.sha256.toLowerCase()',
    to: 'found.length === 0',
    caughtBy: {
      file: PUBLISH,
      test: 'another checksum: nothing of the scope is published, the others are, the job says so',
    },
  },
  {
    name: 'scope-count',
    rule: '§8: a scope that does not agree with its outcome is not published',
    file: 'catalog/jobs/scope-reader.ts',
    from: 'open.records !== records\n',
    to: 'records < 0\n',
    caughtBy: {
      file: PUBLISH,
      test: 'another count: nothing of the scope is published, the others are, the job says so',
    },
  },
  {
    name: 'hash-of-the-stream',
    rule: '§5: a finish whose hash differs from what came fails the job',
    file: 'catalog/jobs/finish.ts',
    from: "if (hash.digest('hex') !== finish.sha256.toLowerCase())",
    to: "if (hash.digest('hex') === '')",
    caughtBy: { file: PUBLISH, test: 'a finish with another checksum fails the job and removes no app' },
  },
  {
    name: 'partial-deletes-nothing',
    rule: '§8: what is not complete deletes nothing',
    file: 'catalog/jobs/scope-rows.ts',
    from: `any(array(select id from put where outcome = 'complete' or whole <> '[]'))
        and (p.outcome = 'complete' or p.whole ? a.kind)`,
    to: 'any(array(select id from put))',
    caughtBy: { file: PUBLISH, test: 'partial: what came is updated, nothing is deleted' },
  },
  {
    name: 'partial-brings-its-edges',
    rule: '§8: an asset of a kind that came whole brought its own edges',
    file: 'catalog/jobs/scope-rows.ts',
    from: "where p.outcome = 'partial' and p.whole ? i.kind\n",
    to: "where p.outcome = 'never' and p.whole ? i.kind\n",
    caughtBy: {
      file: 'test/catalog/whole-kinds.test.ts',
      test: 'what came has the owner that came, and no earlier one (delete)',
    },
  },
  {
    name: 'unlisted-by-a-complete-list',
    rule: '§8: only a complete list of apps removes those that it does not name',
    file: 'catalog/jobs/removals.ts',
    from: '  if (!listed) return;\n',
    to: '',
    caughtBy: { file: PUBLISH, test: 'stay when the list is partial' },
  },
  {
    name: 'scopes-that-stay-open',
    rule: '§8: a crawl that ends well within a scope does not end well',
    file: 'catalog/jobs/finish.ts',
    from: "finish.result === 'ok' && openScopes.length > 0",
    to: "finish.result === 'ok' && openScopes.length > 1e9",
    caughtBy: { file: PUBLISH, test: 'a crawl that ends within a scope' },
  },
  {
    name: 'crawl-and-lineage-take-turns',
    rule: '§8: of crawl and lineage a connection has one at work',
    file: 'catalog/jobs/lease.ts',
    from: "(b.kind = j.kind or (b.kind in ('crawl', 'lineage') and j.kind in ('crawl', 'lineage')))",
    to: 'b.kind = j.kind',
    caughtBy: { file: LEASES, test: 'does not go on with a crawl after its lease ran out when lineage is at work' },
  },
  {
    name: 'turn-of-another',
    rule: '§5: an expired lease is not renewed after another job had its turn',
    file: 'catalog/jobs/lease.ts',
    from: 'and o.started_at > a.lease_expires_at) as free',
    to: 'and o.started_at < o.started_at) as free',
    caughtBy: {
      file: LEASES,
      test: 'does not go on with a crawl after its lease ran out when lineage has come and gone',
    },
  },
  {
    name: 'preview-in-order',
    rule: '§8: a batch that is read late changes nothing',
    file: 'catalog/jobs/pictures.ts',
    from: '  if (seq <= stored) return stored;\n',
    to: '',
    caughtBy: {
      file: 'test/catalog/pictures.test.ts',
      test: 'who reads an older batch of a preview late does not put back what it drew',
    },
  },
  {
    name: 'lineage-that-did-not-end-well',
    rule: '§8: what a job wrote that did not end well is made once more',
    file: 'agent/crawl/delta/remade-notes.ts',
    from: 'const isUnsure = unsure.has(id) && made.lineage !== undefined;',
    to: 'const isUnsure = unsure.has(id) && made.lineage === undefined;',
    caughtBy: {
      file: 'test/lineage/process/remade.test.ts',
      test: 'what a job made that is broken off is made once more',
    },
  },
  // The same rules in the model: whether the simulation would notice that a store lacks them.
  {
    name: 'model-scope-restart',
    rule: '§8: a scope record of an open scope starts it afresh (simulated)',
    file: PUBLISHER,
    from: "if (line.t === 'scope')",
    to: "if (line.t === 'scope' && open) continue;\n        if (line.t === 'scope')",
    caughtBy: { seeds: 60 },
  },
  {
    name: 'model-removed-by-a-whole-list',
    rule: '§8: only a whole list of apps removes those that it does not name (simulated)',
    file: SCOPES,
    from: '    if (![...attempt.published.values()].some(({ listsApps }) => listsApps)) return;\n',
    to: '',
    caughtBy: { seeds: 60 },
  },
  {
    name: 'model-partial-deletes-nothing',
    rule: '§8: what is not complete deletes nothing (simulated)',
    file: ROWS,
    from: "(outcome === 'complete' || whole.includes(kind) || isNamed(key))",
    to: "(outcome !== 'updated' || whole.includes(kind) || isNamed(key))",
    caughtBy: { seeds: 30 },
  },
  {
    name: 'model-updated-keeps-the-rest',
    rule: '§8: updated keeps what did not come (simulated)',
    file: ROWS,
    from: "(outcome === 'complete' || whole.includes(kind) || isNamed(key))",
    to: "(outcome === 'complete' || outcome === 'updated' || whole.includes(kind) || isNamed(key))",
    caughtBy: { seeds: 30 },
  },
  {
    name: 'model-named-goes',
    rule: '§8: what `gone` names goes (simulated)',
    file: ROWS,
    from: "outcome === 'updated' && come.named.some(",
    to: "outcome === 'complete' && come.named.some(",
    caughtBy: { seeds: 30 },
  },
  {
    name: 'model-anew',
    rule: '§8: of the kinds in `anew` what did not come goes (simulated)',
    file: PUBLISHER,
    from: "const made = kind === 'app' ? anew : [];",
    to: "const made = kind === 'site' ? anew : [];",
    caughtBy: { seeds: 60 },
  },
  {
    name: 'model-policy',
    rule: '§8: what is gone stays where the policy says so (simulated)',
    file: ROWS,
    from: "  if (policy === 'delete') return undefined;\n  if (before.isGone)",
    to: '  if (policy !== undefined) return undefined;\n  if (before.isGone)',
    caughtBy: { seeds: 60 },
  },
  {
    name: 'model-checkpoint-of-a-published-job',
    rule: '§8: the store keeps the name of a state when the job was published (simulated)',
    file: SCOPES,
    from: "    if (more.checkpoint !== undefined && outcome !== 'gone') attempt.checkpoint = more.checkpoint;\n",
    to: '    const named = this.tables.connections.get(ended.connection);\n    if (more.checkpoint !== undefined && named) named.checkpoint = attempt.checkpoint = more.checkpoint;\n',
    caughtBy: { file: STORES, test: 'the model of the store answers every call as PostgreSQL does' },
  },
  {
    name: 'model-touched-scopes-are-read-again',
    rule: '§8: what a job wrote that did not end well is read again (simulated)',
    file: NOTEBOOK,
    from: '    if (!note || note.touched',
    to: '    if (note?.name !== undefined) return;\n    if (!note || note.touched',
    caughtBy: { seeds: 150 },
  },
  {
    name: 'model-crawl-and-lineage-take-turns',
    rule: '§8: of crawl and lineage a connection has one at work (simulated)',
    file: LEASE_MODEL,
    from: "(kind === 'lineage' ? 'crawl' : kind)",
    to: 'kind',
    caughtBy: { seeds: 20 },
  },
  {
    name: 'model-lineage-brings-no-app',
    rule: '§8: a job that makes lineage anew brings no app (simulated)',
    file: SCOPES,
    from: "if (!before && this.tables.jobs.get(ref.jobId)?.kind === 'lineage') {",
    to: "if (!before && this.tables.jobs.get(ref.jobId)?.kind === 'test') {",
    caughtBy: { seeds: 100 },
  },
  {
    name: 'model-list-begins-anew',
    rule: '§8: a list that is opened again begins afresh (simulated)',
    file: LISTS,
    from: 'if (at < position) attempt.checks.delete(at);',
    to: 'if (at > position) attempt.checks.delete(at);',
    caughtBy: { seeds: 60 },
  },
  {
    name: 'model-list-once',
    rule: '§8: a batch that is read again adds nothing to a list (simulated)',
    file: LISTS,
    from: 'attempt.checks.set(position, text);',
    to: 'attempt.checks.set(position + attempt.checks.size / 1e6, text);',
    caughtBy: { file: STORES, test: 'the model of the store answers every call as PostgreSQL does' },
  },
  {
    name: 'model-durability',
    rule: '§7: what is acknowledged is committed (simulated)',
    file: MODEL,
    from: '    attempt.durableSeq = seq;\n',
    to: '    attempt.durableSeq = Math.max(0, seq - 1);\n',
    caughtBy: { seeds: 5 },
  },
];
