/** The security rules that the site lists. They describe what the simulator does; it does not evaluate them. */
import { hashOf } from '../model/random.ts';
import type { Site } from '../model/types.ts';
import type { JsonObject } from './answer.ts';

const READ = 2;

const RULES = [
  {
    name: 'RootAdmin',
    resourceFilter: '*',
    actions: 1023,
    rule: '(user.roles = "RootAdmin")',
    type: 0,
    comment: 'Full access to everything',
  },
  {
    name: 'Stream',
    resourceFilter: 'App*',
    actions: READ,
    rule: '(resource.resourcetype = "App" and resource.stream.HasPrivilege("read"))',
    type: 0,
    comment: 'Who may read a stream may read what is published to it',
  },
  {
    name: 'OwnerRead',
    resourceFilter: '*',
    actions: READ,
    rule: 'resource.IsOwned() and resource.owner = user',
    type: 0,
    comment: 'Owners see what is theirs',
  },
  {
    name: 'Catalog crawl',
    resourceFilter: 'Stream_*, App*, App.Object_*, DataConnection_*, User_*, ReloadTask_*, Tag_*',
    actions: READ,
    rule: 'user.userId = "svc_catalog" and user.userDirectory = "CORP"',
    type: 2,
    comment: 'Read access for the catalog',
  },
] as const;

export const rulesOf = (site: Site): readonly JsonObject[] =>
  RULES.map(({ name, type, ...rule }) => ({
    id: site.nodeId.replace(/^.{8}/, hashOf(`rule/${name}`).toString(16).padStart(8, '0')),
    createdDate: '2017-05-04T08:00:00.000Z',
    modifiedDate: '2017-05-04T08:00:00.000Z',
    modifiedByUserName: 'INTERNAL\\sa_repository',
    category: 'Security',
    subcategory: '',
    type: type === 0 ? 'Default' : 'Custom',
    name,
    ...rule,
    disabled: false,
    ruleContext: 1,
    seedId: type,
    version: 0,
    tags: [],
    privileges: null,
    schemaPath: 'SystemRule',
  }));
