import type { ServerPath } from '../connection/server-path.ts';

/**
 * What an administrator knows of a site's lineage and no file of the site says; it wins over whatever was guessed.
 *
 * ```
 * # Values of variables that scripts take from elsewhere.
 * variables { vEnvironment = prod, vQvdRoot = "lib://QVD" }
 * apps = [ { app = "Sales*", variables { vCountry = DE } } ]
 * # Where folders are: a data connection, a drive, a share, or what a path begins with.
 * paths = [ { from = "lib://QVD", to = "//fileserver/bi/qvd" } ]
 * # Which database is behind a data connection, such as one that names a DSN only.
 * databases = [ { connection = ERP, is = "oracle://erp.example.com:1521", database = PROD, schema = SAPSR3 } ]
 * # Which service a database is in your other catalogs, and what its tables are called there begins with.
 * services = [ { place = "oracle://erp.example.com:1521/PROD", service = "erp_prod.PROD" } ]
 * # Edges that no script shows: from a field of an app, or from a dataset, to where it comes from.
 * edges = [
 *   { app = "Sales KPIs", field = Margin, from = "oracle://erp.example.com:1521/PROD.SAPSR3.VBAP", column = NETWR }
 *   { dataset = "lib://QVD/plan.qvd", field = Plan, from = "lib://Excel/plan.xlsx/Sheet1", column = Amount }
 * ]
 * ```
 */
export interface LineageMapping {
  readonly variables: readonly MappedVariable[];
  readonly paths: readonly MappedPath[];
  readonly databases: readonly MappedDatabase[];
  readonly services: readonly MappedService[];
  readonly edges: readonly MappedEdge[];
  /** Another text for another content. */
  readonly digest: string;
}

/** An app of the site, by its id or name. */
export interface AppNamed {
  readonly id: string;
  readonly name: string;
}

export interface MappedVariable {
  readonly name: string;
  readonly value: string;
  /** Undefined: in all apps. */
  readonly isIn: ((app: AppNamed) => boolean) | undefined;
}

export interface MappedPath {
  readonly from: ServerPath;
  /** As written: a path, or an address such as `s3://bucket/folder`. */
  readonly to: string;
}

export interface MappedDatabase {
  readonly connection: string;
  /** `oracle://host:1521`, as OpenLineage names it. */
  readonly namespace: string;
  readonly database: string | undefined;
  readonly schema: string | undefined;
}

export interface MappedService {
  /** What the names of its tables begin with: `oracle://host:1521/PROD`. */
  readonly place: string;
  /** What stands there instead in other catalogs: `erp_prod.PROD`. */
  readonly service: string;
}

export interface MappedEdge {
  /** What is derived: a field of apps, or a dataset with or without one of its columns. */
  readonly of:
    | { readonly type: 'field'; readonly isOf: (app: AppNamed) => boolean; readonly field: string }
    | { readonly type: 'dataset'; readonly dataset: string; readonly column: string | undefined };
  /** A path, or the name of a table as OpenLineage has it. */
  readonly from: string;
  readonly column: string | undefined;
  /** In the mapping file, for people. */
  readonly line: number;
}
