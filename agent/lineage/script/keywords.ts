const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** Control statements: each stands on one line, with or without a `;`. */
export const CONTROL = words(
  'if elseif else end endif endsub endswitch for next do loop sub call switch case default exit',
);
/** Their text is not code: an apostrophe opens nothing, and the first `;` ends it. */
export const RAW = words('rem trace');
/** In front of LOAD and SELECT, with or without a parenthesis behind them. */
export const PREFIXES = words(
  'add replace merge only mapping noconcatenate concatenate left right inner outer join keep crosstable generic ' +
    'hierarchy hierarchybelongsto intervalmatch first sample buffer bundle info semantic partial sql when unless on',
);
export const KINDS = words(
  'load select store drop rename set let alias qualify unqualify map unmap tag untag declare derive directory ' +
    'execute sleep flushlog loosen search nullasvalue nullasnull binary connect connect32 connect64 disconnect section ' +
    'star direct force sqltables sqlcolumns sqltypes unlock lock errormode hidden comment autonumber inputfield',
);
/** Their text is SQL from the first word on, or from the second when the first is SQL. */
export const DATABASE = words('sql select direct sqltables sqlcolumns sqltypes');
/** What begins the source of a LOAD. */
export const SOURCES = words('from resident inline autogenerate from_field extension');
