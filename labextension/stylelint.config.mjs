// The rules of JupyterLab's extension template.
export default {
  extends: ['stylelint-config-standard'],
  rules: {
    // JupyterLab's own way to name classes
    'selector-class-pattern': '^([a-z][A-Za-z\\d]*)(-[A-Za-z\\d]+)*$',
    // Rules stand by what they draw; this one compares selectors that never meet in one element.
    'no-descending-specificity': null,
    // A comment belongs to the line below it, also within a rule.
    'comment-empty-line-before': null
  }
};
