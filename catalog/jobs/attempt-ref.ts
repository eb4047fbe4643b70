/** The attempt whose stream is published. */
export interface AttemptRef {
  readonly organisationId: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly leaseToken: string;
  readonly connection: string;
  /** Of the job: it says which records may come. */
  readonly kind: string;
}
