/** The services behind the ports, for the direct route and for the proxy alike. */
import type { IncomingHttpHeaders } from 'node:http';
import type { EngineContext } from './engine/context.ts';
import { healthOf } from './engine/health.ts';
import { metadataOf } from './engine/metadata.ts';
import type { UserName } from './model/types.ts';
import { serviceDownPage } from './proxy/pages.ts';
import { emptyReply, htmlReply, jsonReply, type Reply } from './reply.ts';
import { thumbnail } from './static-content.ts';

/** A request that has come through authentication. `path` is without prefix and query. */
export interface ServiceRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly user: UserName;
}

/** An answer and what it took. */
export interface ServiceReply {
  readonly reply: Reply;
  readonly serviceMs: number;
}

/** Answers `/qrs/…`. */
export type Repository = (request: ServiceRequest) => Promise<{ readonly reply: Reply; readonly rows: number }>;

const METADATA = /^\/(?:api\/)?v1\/apps\/([^/]+)\/data\/(metadata|lineage)$/;
const THUMBNAIL = /^\/(?:appcontent|content)\/.+\.(?:png|jpe?g)$/i;

export class Services {
  readonly #context: EngineContext;
  readonly #repository: Repository;

  constructor(context: EngineContext, repository: Repository) {
    this.#context = context;
    this.#repository = repository;
  }

  async qrs(request: ServiceRequest): Promise<ServiceReply> {
    const { times } = this.#context.pacing;
    if (this.#context.faults.isDown('repository')) return { reply: serviceDownPage(), serviceMs: 0 };
    const error = this.#context.faults.httpError('qrs', request.path);
    if (error !== null)
      return { reply: htmlReply(error, `Error ${error}`, 'The service failed.'), serviceMs: times.qrsMs };
    const { reply, rows } = await this.#repository(request);
    return { reply, serviceMs: times.qrsMs + rows * times.qrsRowMs };
  }

  health(): ServiceReply {
    if (this.#context.faults.isDown('engine')) return { reply: serviceDownPage(), serviceMs: 0 };
    return { reply: jsonReply(200, healthOf(this.#context)), serviceMs: this.#context.pacing.times.metadataMs };
  }

  /** `…/apps/{id}/data/metadata`; null when the path is another. `/data/lineage` is known elsewhere, and 404 here. */
  metadata({ path, user }: Pick<ServiceRequest, 'path' | 'user'>): ServiceReply | null {
    const match = METADATA.exec(path);
    if (!match) return null;
    const { site, access, faults, pacing } = this.#context;
    const serviceMs = pacing.times.metadataMs;
    const error = faults.isDown('engine') ? 503 : faults.httpError('metadata', path);
    if (error !== null) return { reply: jsonReply(error, { errors: [{ code: `HTTP-${error}` }] }), serviceMs };
    const app = site.app(decodeURIComponent(match[1] ?? ''));
    const notFound = { reply: jsonReply(404, { errors: [{ code: 'HTTP-404', title: 'Not found' }] }), serviceMs };
    if (!app || match[2] === 'lineage' || !faults.settings.metadata) return notFound;
    if (!access.opensApp(user, app))
      return { reply: jsonReply(403, { errors: [{ code: 'HTTP-403', title: 'Access denied' }] }), serviceMs };
    // The file that holds it is written by a reload.
    if (app.lastReloadTime === null && faults.settings.neverReloadedMetadata === 'missing') return notFound;
    return { reply: jsonReply(200, metadataOf(app, site.content(app.id))), serviceMs };
  }

  /** Pictures; null when the path is none. */
  picture(path: string): ServiceReply | null {
    if (!THUMBNAIL.test(path)) return null;
    const headers = { 'Content-Type': 'image/png', 'Cache-Control': 'max-age=3600' };
    return { reply: { status: 200, headers, body: thumbnail(path) }, serviceMs: 0 };
  }

  /** The hub's own calls and `about`, as far as tools use them; null when the path is another. */
  hub({ path, user }: Pick<ServiceRequest, 'path' | 'user'>): ServiceReply | null {
    const { site, access, profile } = this.#context;
    const data = (value: unknown): ServiceReply => ({ reply: jsonReply(200, value), serviceMs: 0 });
    if (/^\/api\/about\/v1\/system-?info$/i.test(path))
      return data({
        productName: 'Qlik Sense',
        version: profile.productVersion,
        deploymentType: 'QlikSenseServer',
        releaseLabel: profile.label,
        deploymentVersion: profile.productVersion,
        copyrightYearRange: '1993-2026',
      });
    if (!path.startsWith('/api/hub/v1/')) return null;
    const visible = site.apps.filter((app) => access.seesApp(user, app));
    const appData = (app: (typeof visible)[number]) => ({
      type: 'App',
      id: app.id,
      attributes: {
        name: app.name,
        description: app.description,
        thumbnail: app.thumbnail,
        lastReloadTime: app.lastReloadTime ?? '',
        createdDate: app.createdDate,
        modifiedDate: app.modifiedDate,
        publishTime: app.publishTime ?? '',
        published: app.published,
      },
    });
    const rest = path.slice('/api/hub/v1/'.length);
    if (rest === 'streams')
      return data({ data: site.streams.map(({ id, name }) => ({ type: 'Stream', id, attributes: { name } })) });
    const stream = /^apps\/stream\/([^/]+)$/.exec(rest)?.[1];
    if (stream !== undefined) return data({ data: visible.filter((app) => app.streamId === stream).map(appData) });
    if (rest === 'apps/user') return data({ data: visible.filter((app) => !app.published).map(appData) });
    if (rest === 'user/info')
      return data({ data: { type: 'User', attributes: { userId: user.id, userDirectory: user.directory } } });
    if (rest === 'privileges' || rest === 'reports') return data({ data: [] });
    return { reply: emptyReply(404), serviceMs: 0 };
  }
}
