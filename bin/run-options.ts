/** The options of `headgate run`, as the command line gives them. */
export type RunOptions = {
  readonly stream?: readonly string[];
  readonly param?: readonly string[];
  readonly secrets?: string;
  readonly out: string;
  readonly state?: string;
  readonly strict?: boolean;
  readonly json?: boolean;
};
