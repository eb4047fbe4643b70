import type { AskedEvent } from '#agent/audit/entry.ts';
import { leavingName } from '#config/redaction/leaving.ts';
import type { AgentEffect, AgentState } from '#protocol/agent-events.ts';

/** Close codes from here on mean that trying again changes nothing. */
const FINAL = 4500;

/**
 * What of a session's steps the machine's owner finds in the audit log: that the catalog lets this agent open none. It is
 * tried again for as long as the agent runs, and told once, until a session was open or the catalog says something else.
 */
export class LinkAudit {
  #told: string | undefined;

  /** @param state of the session after the step */
  ofStep(effects: readonly AgentEffect[], state: AgentState['name']): readonly AskedEvent[] {
    const events: AskedEvent[] = [];
    for (const effect of effects) {
      if (effect.type !== 'ended' || effect.code < FINAL) continue;
      const reason = leavingName(effect.message).slice(0, 1_000);
      const told = `${effect.code} ${reason}`;
      if (told !== this.#told) events.push({ event: 'sessionRefused', code: effect.code, reason });
      this.#told = told;
    }
    if (state === 'open' && events.length === 0) this.#told = undefined;
    return events;
  }
}
