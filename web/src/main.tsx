// Starts the page.
import { render } from 'preact';
import { App } from './components/app.tsx';
import { openStore } from './conversation/store.ts';
import { AppContext, createAppState } from './state/app-state.ts';
import './styles/base.css';
import './styles/layout.css';
import './styles/controls.css';
import './styles/conversation.css';
import './styles/prose.css';
import './styles/words.css';
import './styles/activity.css';

const root = document.querySelector('#page');
const baseUrl = new URL('.', document.baseURI).href.replace(/\/$/, '');

const app = createAppState(await openStore(), baseUrl);
document.documentElement.dataset['theme'] = app.preferences.theme.value;
await app.workspace.load();
void app.connection.refresh();
if (root !== null) {
  render(
    <AppContext.Provider value={app}>
      <App />
    </AppContext.Provider>,
    root,
  );
}
