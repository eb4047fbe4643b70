/**
 * What differs between releases of Qlik Sense Enterprise on Windows, as far as a client can notice. A profile sets all
 * switches together; each can be set alone with {@link profileOf}. Where the public sources contradict each other the
 * comment says so: then both values exist on real sites, and a client must live with both.
 */
export const PROFILE_NAMES = ['june-2018', 'february-2019', 'november-2021', 'november-2024', 'may-2025'] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];

export interface Profile {
  readonly name: ProfileName;
  /** `releaseLabel` of `:9032/v1/systemInfo`. */
  readonly label: string;
  /** `deploymentVersion`: what the installer and the apps' `savedInProductVersion` call the release. */
  readonly productVersion: string;
  /** `/qrs/about.buildVersion`: the repository counts for itself. */
  readonly qrsVersion: string;
  /** `EngineVersion.qComponentVersion`. */
  readonly engineVersion: string;
  /** WebSockets through the proxy need `/qps/csrftoken`, cookie and Origin (November 2024 on); else that path is 404. */
  readonly csrf: boolean;
  /** A bearer token on the upgrade is refused with 403 (measured once after November 2024; another client sends it). */
  readonly bearerOnUpgradeRefused: boolean;
  /** Session cookies set over plain http end in `-HTTP` (February 2019 on). */
  readonly httpCookieSuffix: boolean;
  /** `GetTablesAndKeys` knows `qIncludeProfiling` (engine 12.936 on). */
  readonly profilingParameter: boolean;
  /** `/full` returns at most so many rows (MaxRecordLimit); null: all. Reports contradict each other. */
  readonly fullCap: number | null;
  /** `/…/count` answers `{"value": n}` or, as a documentation page has it, a bare number. */
  readonly countShape: 'object' | 'number';
  /** Where port 4747 itself answers `…/apps/{id}/data/metadata`. */
  readonly metadataOnEnginePort: 'none' | '/v1' | '/api/v1';
  /** The right that `GetScript` asks for: without it the script is an empty text. `GetScriptEx` needs `read` only. */
  readonly scriptNeeds: 'read' | 'update';
  /** `GetScriptEx` exists. */
  readonly scriptEx: boolean;
  /** `/qrs/reloadtask/{id}/scriptlog` or, from May 2025, `/scriptlogfile`. */
  readonly scriptLogApi: 'old' | 'new';
  /** `GetLineage` works in an app that was opened without data (unknown on real sites). */
  readonly lineageWithoutData: boolean;
  /** The proxy does not relay WebSocket pings: after one, the next request hangs. */
  readonly proxyPingHangs: boolean;
}

const OLDEST: Profile = {
  name: 'june-2018',
  label: 'June 2018',
  productVersion: '12.26.1',
  qrsVersion: '22.4.4.0',
  engineVersion: '12.170.2',
  csrf: false,
  bearerOnUpgradeRefused: false,
  httpCookieSuffix: false,
  profilingParameter: false,
  fullCap: null,
  countShape: 'object',
  metadataOnEnginePort: 'none',
  scriptNeeds: 'update',
  scriptEx: false,
  scriptLogApi: 'old',
  lineageWithoutData: false,
  proxyPingHangs: true,
};

const FEBRUARY_2019: Profile = {
  ...OLDEST,
  name: 'february-2019',
  label: 'February 2019',
  productVersion: '13.9.1',
  qrsVersion: '24.9.1.0',
  engineVersion: '12.303.0',
  httpCookieSuffix: true,
};

const NOVEMBER_2021: Profile = {
  ...FEBRUARY_2019,
  name: 'november-2021',
  label: 'November 2021',
  productVersion: '14.20.5',
  qrsVersion: '30.6.5.0',
  engineVersion: '12.1067.0',
  profilingParameter: true,
  scriptEx: true,
  lineageWithoutData: true,
};

const NOVEMBER_2024: Profile = {
  ...NOVEMBER_2021,
  name: 'november-2024',
  label: 'November 2024',
  productVersion: '14.212.3',
  qrsVersion: '31.48.0.0',
  engineVersion: '12.2015.0',
  csrf: true,
  bearerOnUpgradeRefused: true,
  metadataOnEnginePort: '/api/v1',
};

const MAY_2025: Profile = {
  ...NOVEMBER_2024,
  name: 'may-2025',
  label: 'May 2025',
  productVersion: '14.231.4',
  qrsVersion: '31.62.0.0',
  engineVersion: '12.2027.0',
  scriptLogApi: 'new',
};

const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  'june-2018': OLDEST,
  'february-2019': FEBRUARY_2019,
  'november-2021': NOVEMBER_2021,
  'november-2024': NOVEMBER_2024,
  'may-2025': MAY_2025,
};

export const isProfileName = (name: string): name is ProfileName => (PROFILE_NAMES as readonly string[]).includes(name);

/** The switches of a release, some of them set otherwise: `profileOf('june-2018', { fullCap: 100 })`. */
export const profileOf = (name: ProfileName = 'may-2025', switches: Partial<Omit<Profile, 'name'>> = {}): Profile => ({
  ...PROFILES[name],
  ...switches,
});
