/** Business subjects: the tables and fields that apps are about. Fields of one name link tables, as in the engine. */
export type FieldRole = 'key' | 'text' | 'number' | 'date' | 'flag';

interface SubjectField {
  readonly name: string;
  readonly role: FieldRole;
}

interface SubjectTable {
  readonly name: string;
  /** The column names in the source, where they differ by more than case. */
  readonly source: string;
  readonly fact: boolean;
  readonly fields: readonly SubjectField[];
}

export interface Subject {
  readonly name: string;
  readonly folder: string;
  readonly database: string;
  readonly tables: readonly SubjectTable[];
}

const field = (text: string): SubjectField => {
  const at = text.lastIndexOf(':');
  const roles: Record<string, FieldRole> = { k: 'key', t: 'text', n: 'number', d: 'date', f: 'flag' };
  const role = roles[text.slice(at + 1)];
  if (role === undefined) throw new RangeError(`field without a role: ${text}`);
  return { name: text.slice(0, at), role };
};

const table = (name: string, source: string, fact: boolean, ...fields: string[]): SubjectTable => ({
  name,
  source,
  fact,
  fields: fields.map(field),
});

export const SUBJECTS: readonly Subject[] = [
  {
    name: 'Sales',
    folder: 'sales',
    database: 'SalesDW',
    tables: [
      table(
        'Orders',
        'FactOrders',
        true,
        'OrderID:k',
        'CustomerID:k',
        'ProductID:k',
        'OrderDate:d',
        'Amount:n',
        'Quantity:n',
        'Discount:n',
        'Cost:n',
        '% Margin:n',
        'IsReturned:f',
      ),
      table(
        'Customers',
        'DimCustomer',
        false,
        'CustomerID:k',
        'Customer:t',
        "Customer's Segment:t",
        'Country:t',
        'City:t',
        'Région:t',
        'Umsatz/Monat:n',
      ),
      table(
        'Products',
        'DimProduct',
        false,
        'ProductID:k',
        'Product:t',
        'Category:t',
        'Brand:t',
        'Unit Price:n',
        'Größe:t',
      ),
      table('Targets', 'FactTarget', true, 'Country:t', 'Target Amount:n', 'Target Year:t'),
    ],
  },
  {
    name: 'Finance',
    folder: 'finance',
    database: 'Ledger',
    tables: [
      table(
        'GL Entries',
        'GL_ENTRY',
        true,
        'EntryNo:k',
        'AccountID:k',
        'CostCenterID:k',
        'PostingDate:d',
        'Amount LC:n',
        'Amount Group:n',
        'Budget:n',
        'Posted:f',
      ),
      table('Accounts', 'GL_ACCOUNT', false, 'AccountID:k', 'Account:t', 'Account Group:t', 'P&L Line:t', 'Sign:n'),
      table('Cost Centers', 'COST_CENTER', false, 'CostCenterID:k', 'Cost Center:t', 'Division:t', 'Responsible:t'),
      table('Rates', 'FX_RATE', true, 'Currency:t', 'Rate:n', 'Rate Date:d'),
    ],
  },
  {
    name: 'Human Resources',
    folder: 'hr',
    database: 'HRCore',
    tables: [
      table(
        'Headcount',
        'hc_monthly',
        true,
        'EmployeeID:k',
        'DepartmentID:k',
        'Snapshot Date:d',
        'FTE:n',
        'Salary Band:t',
        'Active:f',
      ),
      table(
        'Employees',
        'employee',
        false,
        'EmployeeID:k',
        'Employee Name:t',
        'Job Title:t',
        'Hire Date:d',
        'Gender:t',
      ),
      table('Departments', 'department', false, 'DepartmentID:k', 'Department:t', 'Abteilungsleiter/in:t', 'Site:t'),
    ],
  },
  {
    name: 'Supply Chain',
    folder: 'scm',
    database: 'LOGISTICS',
    tables: [
      table(
        'Stock Movements',
        'STOCK_MOV',
        true,
        'MovementID:k',
        'MaterialNo:k',
        'WarehouseID:k',
        'Movement Date:d',
        'Qty:n',
        'Value:n',
        'Blocked:f',
      ),
      table('Materials', 'MATERIAL', false, 'MaterialNo:k', 'Material:t', 'Material Group:t', 'Weight (kg):n', 'ABC:t'),
      table(
        'Warehouses',
        'WAREHOUSE',
        false,
        'WarehouseID:k',
        'Warehouse:t',
        'Warehouse Country:t',
        'Latitude:n',
        'Longitude:n',
      ),
    ],
  },
  {
    name: 'Customer Service',
    folder: 'service',
    database: 'tickets',
    tables: [
      table(
        'Tickets',
        'ticket',
        true,
        'TicketNo:k',
        'AgentID:k',
        'Created:d',
        'Resolution Minutes:n',
        'CSAT:n',
        'Priority:t',
        'Reopened:f',
      ),
      table('Agents', 'agent', false, 'AgentID:k', 'Agent:t', 'Team:t', 'Skill #1:t', 'Skill #2:t'),
      table('客户反馈', 'feedback', true, 'TicketNo:k', '评分:n', '评论:t'),
    ],
  },
  {
    name: 'Production',
    folder: 'mes',
    database: 'MES',
    tables: [
      table(
        'Work Orders',
        'WO_HEAD',
        true,
        'WorkOrder:k',
        'MachineID:k',
        'Start Time:d',
        'Good Units:n',
        'Scrap Units:n',
        'Runtime (min):n',
        'Rush:f',
      ),
      table('Machines', 'MACHINE', false, 'MachineID:k', 'Machine:t', 'Line:t', 'Plant:t', 'Commissioned:d'),
      table('Downtime', 'DOWNTIME', true, 'DowntimeID:k', 'MachineID:k', 'Reason Code:t', 'Minutes lost:n'),
    ],
  },
];
