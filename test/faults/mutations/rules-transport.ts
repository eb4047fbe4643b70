import type { Mutation } from './mutation.ts';

const POLLING = 'test/unit/bridge/polling-gateway.test.ts';
const GATEWAY = 'test/unit/gateway/gateway.test.ts';
const ADMISSION = 'test/unit/gateway/admission.test.ts';
const MACHINE = 'test/unit/protocol/agent-session.test.ts';
const PEERS = 'test/unit/protocol/peers.test.ts';
const ENDINGS = 'test/unit/protocol/endings.test.ts';
const GATEWAY_MACHINE = 'test/unit/protocol/gateway-session.test.ts';

/** How messages travel, who is let in, and what is understood. */
export const TRANSPORT_RULES: readonly Mutation[] = [
  {
    name: 'entries-taken-once',
    rule: '§15: of entries that come twice the gateway leaves out what it has',
    file: 'catalog/gateway/channel-polling.ts',
    from: 'entries.slice(this.#taken + 1 - first)',
    to: 'entries',
    caughtBy: { file: POLLING, test: 'takes a body that comes twice once, and none that comes too early' },
  },
  {
    name: 'entries-without-a-gap',
    rule: '§15: entries that would leave a gap are not taken: 409',
    file: 'catalog/gateway/channel-polling.ts',
    from: "    if (first > this.#taken + 1) return 'gap';\n",
    to: '',
    caughtBy: { file: POLLING, test: 'takes a body that comes twice once, and none that comes too early' },
  },
  {
    name: 'end-that-is-fetched-late',
    rule: '§15: what was said last is kept for an agent between two polls',
    file: 'catalog/gateway/channel-polling.ts',
    from: 'if (this.#closing && this.#out.length > 0)\n',
    to: 'if (this.#outBytes < 0)\n',
    caughtBy: {
      file: POLLING,
      test: 'tells how a session ended also to who asks late, and then knows it no more',
    },
  },
  {
    name: 'body-of-a-stranger',
    rule: '§15: before auth is accepted a body has 128 KiB at most',
    file: 'catalog/gateway/polling.ts',
    from: 'handle.authenticated() ? POLLING.bodyBytes : POLLING.bodyBytesBefore',
    to: 'POLLING.bodyBytes',
    caughtBy: { file: POLLING, test: 'takes no more than an `auth` of somebody who has not shown who he is' },
  },
  {
    name: 'origin',
    rule: '§2: a request with an Origin is refused with 403',
    file: 'catalog/gateway/gateway.ts',
    from: 'return origin === undefined ? undefined :',
    to: "return origin !== '' ? undefined :",
    caughtBy: { file: GATEWAY, test: 'without the subprotocol, from a page, or for another path is refused' },
  },
  {
    name: 'subprotocol',
    rule: '§2: an upgrade without the subprotocol is refused with 426',
    file: 'catalog/gateway/gateway.ts',
    from: 'name.trim() === SUBPROTOCOL)',
    to: "name.trim() !== 'no name')",
    caughtBy: { file: GATEWAY, test: 'without the subprotocol, from a page, or for another path is refused' },
  },
  {
    name: 'handshake-bucket',
    rule: '§2: a gateway without room answers 503 with a time to come back',
    file: 'catalog/gateway/admission.ts',
    from: 'if (this.#tokens >= 1) {',
    to: 'if (this.#tokens >= -1e9) {',
    caughtBy: {
      file: ADMISSION,
      test: 'lets a burst in, and gives whoever comes beyond it the next time that is free',
    },
  },
  {
    name: 'optional-messages',
    rule: '§2: an unknown message with opt is ignored',
    file: 'protocol/control.ts',
    from: 'if ((value as { opt?: unknown }).opt === true) return undefined;',
    to: '',
    caughtBy: { file: MACHINE, test: 'passes over an unknown message that says it is optional' },
  },
  {
    name: 'no-common-version',
    rule: '§2: an agent that speaks no version of the gateway closes with 4506',
    file: 'protocol/agent-session.ts',
    from: 'message.protocol.min > 1 || message.protocol.max < 1',
    to: 'message.protocol.max < 0',
    caughtBy: { file: PEERS, test: 'is left with 4506, one that speaks 1 as well is not' },
  },
  {
    name: 'agent-before-welcome',
    rule: '§4: a message that may not come yet ends the session at the agent',
    file: 'protocol/agent-session.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a piece of the source
    from: 'this.#close(CLOSE.badMessage, `${message.type} may not come while ${state.name}`, nowMs);',
    to: '',
    caughtBy: { file: MACHINE, test: 'ends on a message out of its time' },
  },
  {
    name: 'data-before-welcome',
    rule: '§4: data before welcome: 4500',
    file: 'protocol/gateway-session.ts',
    from: "this.#bye(CLOSE.badMessage, 'data came before welcome', UPDATE);",
    to: '',
    caughtBy: { file: GATEWAY_MACHINE, test: 'takes nothing before welcome' },
  },
  {
    name: 'agent-that-is-not-read',
    rule: '§2: who has more than 4 MiB not taken closes with 4004 (agent)',
    file: 'protocol/agent-session.ts',
    from: 'if (this.#talking) this.#close(CLOSE.slowConsumer,',
    to: 'if (nowMs < 0) this.#close(CLOSE.slowConsumer,',
    caughtBy: { file: ENDINGS, test: 'with 4004 when the gateway does not read' },
  },
  {
    name: 'machine-that-slept',
    rule: '§2: an agent whose machine slept leaves at once',
    file: 'protocol/agent-session.ts',
    from: "if (this.#talking) this.#close(CLOSE.livenessTimeout, 'this machine slept', nowMs);",
    to: '',
    caughtBy: { file: MACHINE, test: 'a machine that slept leaves at once and dials as if nothing had failed before' },
  },
  {
    name: 'ack-of-what-was-never-sent',
    rule: '§7: an ack of what was not sent ends the session',
    file: 'protocol/agent-jobs.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a piece of the source
    from: 'if (!attempt.outbound.acknowledge(upto, credit)) return `ack of ${upto} that was not sent`;',
    to: 'attempt.outbound.acknowledge(upto, credit);',
    caughtBy: { file: MACHINE, test: 'an ack of what was never sent ends the session' },
  },
  {
    name: 'parts-by-capability',
    rule: '§6: attempts with parts are given back where the catalog takes none',
    file: 'protocol/agent-jobs.ts',
    from: 'else if (attempt.parts && !this.#parts) this.#giveUp(attempt, NO_PARTS);',
    to: '',
    caughtBy: { file: ENDINGS, test: 'give a job back when the catalog of a later session does not take them' },
  },
];
