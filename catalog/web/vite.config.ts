import preact from '@preact/preset-vite';
import { defineConfig } from 'vite';

// The server sends `default-src 'self'`: nothing may be inlined, neither assets as data: URLs nor the preload script.
export default defineConfig({
  plugins: [preact()],
  build: {
    outDir: '../../dist/web',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
});
