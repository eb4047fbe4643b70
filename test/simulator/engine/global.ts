/** Calls on handle -1. */
import type { App } from '../model/types.ts';
import { EngineError } from './errors.ts';
import type { Json } from './held.ts';
import { appMeta } from './meta.ts';
import type { Call, Outputs } from './session.ts';

/** A day count since 1899-12-30, as Qlik writes times. */
const serialDays = (iso: string): number => Date.parse(iso) / 86_400_000 + 25_569;

const docEntry = ({ session }: Call, app: App): Json => ({
  qDocName: app.name,
  qConnectedUsers: 0,
  qFileTime: serialDays(app.modifiedDate),
  qFileSize: app.fileSizeBytes,
  qDocId: app.id,
  qMeta: appMeta(session.context.site, app),
  qLastReloadTime: app.lastReloadTime ?? '',
  qTitle: app.name,
  qThumbnail: app.thumbnail === '' ? {} : { qUrl: app.thumbnail },
  qHasSectionAccess: app.sectionAccess,
});

type Handler = (call: Call) => Outputs;

/** What a client may not do here: it would write. */
const refused: Handler = () => {
  throw new EngineError(5, 'The user may not do this');
};
const constant =
  (outputs: Outputs): Handler =>
  () =>
    outputs;

const HANDLERS: Readonly<Record<string, Handler>> = {
  EngineVersion: ({ session }) => ({ qVersion: { qComponentVersion: session.context.profile.engineVersion } }),
  ProductVersion: ({ session }) => ({ qReturn: session.context.profile.productVersion }),
  QvVersion: ({ session }) => ({ qReturn: session.context.profile.engineVersion }),
  QTProduct: constant({ qReturn: 'Qlik Sense Server' }),
  OSVersion: constant({ qReturn: 'Windows Server 2022 Standard 64 bit edition' }),
  OSName: constant({ qReturn: 'Windows' }),
  IsDesktopMode: constant({ qReturn: false }),
  IsPersonalMode: constant({ qReturn: false }),
  AllowCreateApp: constant({ qReturn: false }),
  GetUniqueID: ({ session }) => ({ qUniqueID: session.newId() }),
  GetAuthenticatedUser: ({ session: { user } }) => ({
    qReturn: `UserDirectory=${user.directory}; UserId=${user.id}`,
  }),
  GetDocList: (call) => {
    const { site, access } = call.session.context;
    return {
      qDocList: site.apps.filter((app) => access.seesApp(call.session.user, app)).map((app) => docEntry(call, app)),
    };
  },
  GetAppEntry: (call) => {
    const { site, access } = call.session.context;
    const id = String(call.args['qAppID']);
    const app = site.app(id);
    if (!app || !access.seesApp(call.session.user, app)) throw new EngineError(1003, id);
    return {
      qEntry: {
        qID: app.id,
        qTitle: app.name,
        qPath: app.id,
        qLastReloadTime: app.lastReloadTime ?? '',
        qReadOnly: app.published,
        qMeta: appMeta(site, app),
        qThumbnail: app.thumbnail === '' ? {} : { qUrl: app.thumbnail },
        qFileSize: app.fileSizeBytes,
        qHasSectionAccess: app.sectionAccess,
      },
    };
  },
  GetStreamList: ({ session }) => ({
    qStreamList: session.context.site.streams.map(({ id, name }) => ({ qId: id, qName: name })),
  }),
  OpenDoc: ({ session, args }) => ({
    qReturn: session.open(String(args['qDocName']), args['qNoData'] !== true),
  }),
  GetActiveDoc: ({ session }) => ({ qReturn: session.activeDocument() }),
  GetConfiguration: ({ session }) => ({
    qConfig: { qFeatures: { qIsDesktop: false, qIsDevMode: false }, qVersion: session.context.profile.engineVersion },
  }),
  GetProgress: constant({
    qProgressData: {
      qStarted: false,
      qFinished: false,
      qCompleted: 0,
      qTotal: 0,
      qKB: 0,
      qMillisecs: 0,
      qUserInteractionWanted: false,
      qPersistentProgress: '',
      qTransientProgress: '',
    },
  }),
  AbortRequest: constant({}),
  AbortAll: constant({}),
  CancelRequest: constant({}),
  CancelReload: constant({}),
  ConfigureReload: constant({}),
  ReloadExtensionList: constant({}),
  GetOdbcDsns: constant({ qOdbcDsns: [] }),
  GetOleDbProviders: constant({ qOleDbProviders: [] }),
  GetCustomConnectors: constant({ qConnectors: [] }),
  GetSupportedCodePages: constant({ qCodePages: [{ qNumber: 65_001, qName: 'UTF-8', qDescription: 'Unicode' }] }),
  CreateApp: refused,
  CreateDocEx: refused,
  CreateSessionApp: refused,
  CreateSessionAppFromApp: refused,
  DeleteApp: refused,
  CopyApp: refused,
  ExportApp: refused,
  ImportApp: refused,
  ImportAppEx: refused,
  PublishApp: refused,
  ReplaceAppFromID: refused,
  ReplaceAppFromPath: refused,
  SaveAs: refused,
  ShutdownProcess: refused,
};

/** @throws EngineError 17 for a method of the schema that is not played here */
export function globalCall(call: Call): Outputs {
  const handler = HANDLERS[call.method];
  if (!handler) throw new EngineError(17, call.method);
  return handler(call);
}
