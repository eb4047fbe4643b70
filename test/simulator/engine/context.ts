/** What all engine sessions share. */
import type { Access } from '../access.ts';
import type { Faults } from '../faults.ts';
import type { MutableSite } from '../model/mutate.ts';
import type { Pacing } from '../pacing.ts';
import type { Profile } from '../profiles.ts';
import type { Recorder } from '../record.ts';
import type { EngineConnection } from './connection.ts';
import type { SessionRegistry } from './registry.ts';

export interface EngineContext {
  readonly site: MutableSite;
  readonly profile: Profile;
  readonly access: Access;
  readonly faults: Faults;
  readonly record: Recorder;
  readonly pacing: Pacing;
  readonly registry: SessionRegistry;
  /** The open sockets: they hear of changes that others make. */
  readonly connections: Set<EngineConnection>;
  /** `/qDim/qFieldDefs` in list definitions comes out as an empty text. */
  readonly textListsEmpty: boolean;
  /** Sockets to `/app/engineData` without an identity share one session a user, as those to an app do. */
  readonly shareSessionsWithoutApp: boolean;
  /** When greetings come through the proxy: with the client's first frame, or at once. */
  readonly proxyGreets: 'first-frame' | 'at-once';
  readonly startedAt: Date;
}
