// The roles of people, in words.
import { _ } from './i18n.js';

export const ROLES = ['system', 'security', 'audit', 'officer', 'editor', 'viewer',
	'none'];
export const roleName = (r) => ({ system: _('System administrator'),
	security: _('Security administrator'), audit: _('Audit administrator'),
	officer: _('Duty officer'), editor: _('Editor'), viewer: _('Viewer'),
	none: _('No rights yet') })[r] ?? r;
export const roleWhat = (r) => ({ system: _('accounts, stations, settings'),
	security: _('roles, unlocking, confirming stations'),
	audit: _('the audit log, verification'),
	officer: _('reads and writes everything of the trade'),
	editor: _('reads; writes the register'), viewer: _('reads'),
	none: _('nothing until a role is given') })[r] ?? '';
// Holds one of the three powers.
export const isAdministrator = (r) => ['system', 'security', 'audit'].includes(r);
