import { defineConfig } from 'headgate/config';

/** What is deployed, and what differs from stage to stage. `dev` and `prod` are there anyway. */
export default defineConfig({
  connectors: ['./connectors/example.ts'],
  stages: {
    // prod: { alarms: { email: 'oncall@example.com' } },
  },
});
