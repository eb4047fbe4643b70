import { render } from 'preact';
import { App } from './app.tsx';
import { startRouter } from './router.ts';
import './style/base.css';
import './style/layout.css';
import './style/panels.css';
import './style/facts.css';
import './style/lists.css';
import './style/checks.css';
import './style/findings.css';
import './style/lineage.css';
import './style/needs.css';
import './style/pictures.css';
import './style/runs.css';
import './style/script.css';

startRouter();
const root = document.getElementById('page');
if (root) render(<App />, root);
