import type { Connection } from '#config/connection/connection.ts';
import { ExpressionError } from '#config/filter/expression-lexer.ts';
import { EVERYTHING, type Filter } from '#config/filter/filter.ts';
import { PatternError } from '#config/filter/regex.ts';
import { narrowed } from '#config/filter/settings.ts';
import { Fault } from '#protocol/errors.ts';
import type { ConnectorSettings } from '#protocol/job-options.ts';

/**
 * The filter of a connection's file, narrowed by what the catalog sets. Throws a {@link Fault} for settings of the catalog
 * that cannot be run: to leave them out would crawl more than was asked for.
 */
export const filterInForce = (connection: Connection, settings: ConnectorSettings | undefined): Filter => {
  try {
    return narrowed(connection.filter ?? EVERYTHING, settings);
  } catch (error) {
    if (!(error instanceof PatternError) && !(error instanceof ExpressionError)) throw error;
    throw new Fault('config.invalid', `The filter in the catalog's settings cannot be used. ${error.message}`, {
      cause: error,
      advice: `Correct the settings of the connection in the catalog. ${error.advice}`,
    });
  }
};
