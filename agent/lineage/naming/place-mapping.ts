import type { DatabasePlace } from './connection-place.ts';

/** What an administrator says of places; it wins over whatever the site says. */
export interface PlaceMapping {
  /** The path that is meant by a path; the same one when nothing is said of it. */
  path(path: string): string;
  /** The database behind the data connection of that name. */
  database(connection: string): DatabasePlace | undefined;
  /** The name of a table in the customer's other catalogs. */
  otherName(namespace: string, name: string): string | undefined;
}

/** Of a site of which nothing is said. */
export const PLAIN_MAPPING: PlaceMapping = {
  path: (path) => path,
  database: () => undefined,
  otherName: () => undefined,
};
