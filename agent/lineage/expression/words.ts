const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));

/** Functions that aggregate over the rows of the data: what stands in them is a field, never the label of a measure. */
export const AGGREGATIONS: ReadonlySet<string> = set(
  'avg concat correl count firstsortedvalue fractile fractileexc irr kurtosis linest_b linest_df linest_f linest_m ' +
    'linest_r2 linest_seb linest_sem linest_sey linest_ssreg linest_ssresid max maxstring median min minstring ' +
    'missingcount mode npv nullcount numericcount only skew stdev sterr sterr_dist steyx sum textcount xirr xnpv ' +
    'chi2test_p chi2test_df chi2test_chi2 ttest_t ttest_df ttest_sig ttest_dif ttest_sterr ttest_conf ztest_z ' +
    'ztest_sig ztest_dif ztest_sterr ztest_conf',
);

/** Words that are part of the language where they stand without quotes and without a parenthesis behind them. */
export const KEYWORDS: ReadonlySet<string> = set('and or not xor like true false null');

/** Functions whose first argument names a field, also by a text in single quotes. */
export const NAMED_BY_TEXT: ReadonlySet<string> = set(
  'fieldvalue fieldindex fieldvaluecount getfieldselections getselectedcount getpossiblecount getexcludedcount ' +
    'getalternativecount getnotselectedcount',
);

/** Fields of which every app has some, about its own data model. */
const SYSTEM_FIELDS: ReadonlySet<string> = set('$Field $Table $Rows $Fields $FieldNo $Info');

/** `$1`: a parameter of a variable; `$`, `$x`: nothing that an app can have as a field. */
export const isField = (name: string): boolean => !name.startsWith('$') || SYSTEM_FIELDS.has(name);
