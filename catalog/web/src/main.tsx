import { render } from 'preact';
import { App } from './app.tsx';
import { startRouter } from './router.ts';
import './style/base.css';
import './style/layout.css';
import './style/parts.css';

startRouter();
const root = document.getElementById('page');
if (root) render(<App />, root);
