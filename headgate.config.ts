import { defineConfig } from 'headgate/config';

/** What `npx cdk deploy` deploys. Connectors of your own are named by the paths of their files. */
export default defineConfig({
  connectors: ['practice', 'github'],
  stages: {
    dev: {},
    prod: {},
  },
});
