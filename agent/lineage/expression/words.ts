/** Functions that aggregate over the rows of the data: what stands in them is a field, never the label of a measure. */
export const AGGREGATIONS: ReadonlySet<string> = new Set(
  (
    'avg concat correl count firstsortedvalue fractile fractileexc irr kurtosis linest_b linest_m linest_r2 max ' +
    'maxstring median min minstring missingcount mode npv nullcount numericcount only skew stdev sterr sterr_dist ' +
    'steyx sum textcount xirr xnpv chi2test_p ttest_t'
  ).split(' '),
);

/** Words that are part of the language where they stand without quotes and without a parenthesis behind them. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  (
    'and or not xor like precedes follows bitand bitor bitnot bitxor div mod distinct nodistinct total all true false ' +
    'null is asc desc'
  ).split(' '),
);

/** Functions whose first argument names a field by a text in single quotes. */
export const NAMED_BY_TEXT: ReadonlySet<string> = new Set(['fieldvalue', 'fieldindex', 'fieldvaluecount']);
