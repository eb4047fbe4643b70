/**
 * Pieces of script as people write them, one construct each. Every piece drops the tables that it makes, so that the app's
 * data model is the same with and without it. `{path}` stands for a folder of QVDs that the site has.
 */
export const SCRIPT_IDIOMS: readonly { readonly name: string; readonly lines: readonly string[] }[] = [
  {
    name: 'Budget (crosstable)',
    lines: [
      'tmpBudget:',
      'CROSSTABLE (Month, Budget, 2)',
      'LOAD Account, Division, Jan, Feb, Mrz',
      'FROM [lib://Excel (corp_jürgen.müller)/budget/Budget 2025.xlsx] (ooxml, embedded labels, table is Budget);',
      'DROP TABLE tmpBudget;',
    ],
  },
  {
    name: 'Subs',
    lines: [
      'SUB LoadFolder (vFolder, vTable)',
      "  FOR EACH vFile IN FileList('$(vFolder)/*.qvd')",
      "    LET vBase = SubField(SubField('$(vFile)', '/', -1), '.', 1);",
      '    [$(vTable)_$(vBase)]:',
      '    LOAD * FROM [$(vFile)] (qvd);',
      '    DROP TABLE [$(vTable)_$(vBase)];',
      '  NEXT vFile',
      'END SUB',
      "CALL LoadFolder ('{path}/archive', 'old')",
    ],
  },
  {
    name: 'Incremental',
    lines: [
      "IF NoOfRows('Stamp') > 0 THEN",
      "  LET vSince = Peek('Last', 0, 'Stamp');",
      'ELSE',
      "  LET vSince = '1900-01-01';",
      'END IF',
      'tmpDelta:',
      "LOAD * FROM [{path}/delta/changes.qvd] (qvd) WHERE Changed >= '$(vSince)' AND NOT Exists(ChangeID);",
      'CONCATENATE (tmpDelta) LOAD * FROM [{path}/delta/history.qvd] (qvd);',
      'DROP TABLE tmpDelta;',
    ],
  },
  {
    name: 'Intervals',
    lines: [
      'tmpShift: LOAD * INLINE [',
      'From, To, Shift',
      '0, 8, night',
      '8, 16, day',
      '];',
      'tmpEvent: LOAD RecNo() AS Hour AUTOGENERATE 24;',
      'LEFT JOIN (tmpEvent) INTERVALMATCH (Hour) LOAD From, To RESIDENT tmpShift;',
      'DROP TABLES tmpShift, tmpEvent;',
    ],
  },
  {
    name: 'Hierarchy & more',
    lines: [
      'tmpTree:',
      "HIERARCHY (NodeID, ParentID, NodeName, Parent, NodeName, PathName, '/', Depth)",
      'LOAD NodeID, ParentID, NodeName FROM [{path}/org/tree.qvd] (qvd);',
      'QUALIFY *; UNQUALIFY NodeID;',
      'tmpOrg: NOCONCATENATE LOAD NodeID, NodeName RESIDENT tmpTree;',
      'UNQUALIFY *;',
      'RENAME FIELD PathName TO [Path of node];',
      'DROP TABLES tmpTree, tmpOrg;',
    ],
  },
  {
    name: 'Preceding loads',
    lines: [
      'tmpCalc:',
      "LOAD *, If(Net > 1000, 'big', 'small') AS Size;",
      'LOAD Key, Sum(Value) AS Net GROUP BY Key;',
      "LOAD Key, Num#(Text, '#.##0,00') AS Value FROM [{path}/raw/values.qvd] (qvd) WHERE Len(Trim(Text)) > 0;",
      'DROP FIELD Size FROM tmpCalc;',
      'DROP TABLE tmpCalc;',
    ],
  },
  {
    name: 'Switch',
    lines: [
      "LET vMode = 'full';",
      'SWITCH vMode',
      "  CASE 'full'",
      "    TRACE It's a full load: nothing is skipped;",
      "  CASE 'delta'",
      '    EXIT SCRIPT WHEN ScriptErrorCount > 0;',
      '  DEFAULT',
      '    SLEEP 10;',
      'END SWITCH',
      "COMMENT FIELD Amount WITH 'net; without VAT';",
      "TAG FIELD Amount WITH 'measure';",
    ],
  },
  {
    name: 'Kommentare',
    lines: [
      '/* alt:',
      '///$comment not a section',
      'LOAD * FROM [lib://weg/x.qvd] (qvd); */',
      "// LOAD * FROM [lib://auch weg/y.qvd] (qvd); it's gone",
      'REM Der Rest; ',
      "SET vUrl = 'https://intranet.example/a//b?c=1';",
    ],
  },
];
