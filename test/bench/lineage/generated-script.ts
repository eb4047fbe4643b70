/** The kinds of statements that real scripts are mostly made of, a few lines each, numbered so that no two are alike. */
const PIECES: readonly ((n: number) => string)[] = [
  (n) =>
    `///$tab Section ${n}\nSET vPath${n} = lib://Data/area${n};\nLET vYear${n} = 2000 + ${n % 30};\nTRACE Section ${n};`,
  (n) =>
    `Map${n}:\nMAPPING LOAD Code, Name\nFROM [lib://Data/codes${n}.qvd] (qvd);\n\n` +
    `Sales${n}:\nLOAD\n    OrderID & '-' & ${n} AS [Order Key ${n}],\n    Date(Floor(OrderDate)) AS [Order Date ${n}],\n` +
    `    ApplyMap('Map${n}', ProductCode, 'none') AS [Product ${n}],\n    If(Amount > 0, Amount * Rate, 0) AS [Net ${n}],\n` +
    `    Amount,\n    Quantity\nFROM [$(vPath${n})/sales_$(vYear${n}).qvd] (qvd)\nWHERE Year(OrderDate) >= $(vYear${n});`,
  (n) =>
    `LEFT JOIN (Sales${n})\nLOAD\n    OrderID & '-' & ${n} AS [Order Key ${n}],\n    Customer AS [Customer ${n}],\n    Region\n` +
    `FROM [lib://Data/customers${n}.csv] (txt, utf8, embedded labels, delimiter is ',', msq);`,
  (n) =>
    `Totals${n}:\nNOCONCATENATE LOAD\n    [Customer ${n}],\n    Sum([Net ${n}]) AS [Total ${n}],\n    Count(DISTINCT [Order Key ${n}]) AS [Orders ${n}]\n` +
    `RESIDENT Sales${n}\nGROUP BY [Customer ${n}];\n\nSTORE Totals${n} INTO [lib://Data/totals${n}.qvd] (qvd);\nDROP TABLE Totals${n};`,
  (n) =>
    `FOR EACH vFile${n} IN 'north', 'south', 'west'\n    Parts${n}:\n    LOAD Part, Weight, '$(vFile${n})' AS Site\n    FROM [lib://Data/parts_$(vFile${n}).qvd] (qvd);\nNEXT vFile${n}`,
];

/** A load script of about so many lines, without SQL. */
export const generatedScript = (lines: number): string => {
  const parts: string[] = [];
  for (let n = 0, written = 0; written < lines; n++) {
    for (const piece of PIECES) {
      const text = piece(n);
      parts.push(text, '');
      written += text.split('\n').length + 1;
    }
  }
  return parts.join('\n');
};
