// Solutions of twenty problems of HumanEval's JavaScript and TypeScript translations, written by hand for
// these tests, and for each one line that, changed, makes it wrong. Bodies have no types: they serve both.

/** The rest of a function after its first line, and a change that breaks it. */
export interface Solution {
  readonly body: string;
  readonly right: string;
  readonly wrong: string;
}

/** By the problem's name. */
export const solutions: Readonly<Record<string, Solution>> = {
  HumanEval_0_has_close_elements: {
    body: `  const sorted = numbers.slice().sort((a, b) => a - b);
  return sorted.some((value, i) => i > 0 && value - sorted[i - 1] < threshold);
}`,
    right: '< threshold',
    wrong: '> threshold',
  },
  HumanEval_1_separate_paren_groups: {
    body: `  const groups = [];
  let depth = 0;
  let group = '';
  for (const char of paren_string) {
    if (char === ' ') continue;
    group += char;
    depth += char === '(' ? 1 : -1;
    if (depth > 0) continue;
    groups.push(group);
    group = '';
  }
  return groups;
}`,
    right: 'if (depth > 0) continue;',
    wrong: 'if (depth > 1) continue;',
  },
  HumanEval_3_below_zero: {
    body: `  let balance = 0;
  for (const change of operations) {
    balance += change;
    if (balance < 0) return true;
  }
  return false;
}`,
    right: 'balance < 0',
    wrong: 'balance <= 0',
  },
  HumanEval_5_intersperse: {
    body: `  return numbers.flatMap((value, i) => (i === 0 ? [value] : [delimeter, value]));
}`,
    right: 'i === 0',
    wrong: 'i === 1',
  },
  HumanEval_6_parse_nested_parens: {
    body: `  return paren_string.split(' ').filter((group) => group !== '').map((group) => {
    let depth = 0;
    let deepest = 0;
    for (const char of group) {
      depth += char === '(' ? 1 : -1;
      deepest = Math.max(deepest, depth);
    }
    return deepest;
  });
}`,
    right: 'let deepest = 0;',
    wrong: 'let deepest = 2;',
  },
  HumanEval_8_sum_product: {
    body: `  let sum = 0;
  let product = 1;
  for (const value of numbers) {
    sum += value;
    product *= value;
  }
  return [sum, product];
}`,
    right: 'let product = 1;',
    wrong: 'let product = 0;',
  },
  HumanEval_9_rolling_max: {
    body: `  let highest = Number.NEGATIVE_INFINITY;
  return numbers.map((value) => {
    highest = Math.max(highest, value);
    return highest;
  });
}`,
    right: 'Math.max(highest, value)',
    wrong: 'value',
  },
  HumanEval_10_make_palindrome: {
    body: `  const reversed = string.split('').reverse().join('');
  for (let cut = 0; cut <= string.length; cut++) {
    if (reversed.startsWith(string.slice(cut))) return string + reversed.slice(string.length - cut);
  }
  return string;
}`,
    right: 'reversed.slice(string.length - cut)',
    wrong: 'reversed.slice(0, cut)',
  },
  HumanEval_11_string_xor: {
    body: `  return a.split('').map((bit, i) => (bit === b[i] ? '0' : '1')).join('');
}`,
    right: "'0' : '1'",
    wrong: "'1' : '0'",
  },
  HumanEval_12_longest: {
    body: `  return strings.reduce(
    (best, each) => (best === undefined || each.length > best.length ? each : best),
    undefined,
  );
}`,
    right: 'each.length > best.length',
    wrong: 'each.length >= best.length',
  },
  HumanEval_13_greatest_common_divisor: {
    body: `  while (b !== 0) [a, b] = [b, a % b];
  return a;
}`,
    right: 'return a;',
    wrong: 'return b;',
  },
  HumanEval_14_all_prefixes: {
    body: `  return string.split('').map((_, i) => string.slice(0, i + 1));
}`,
    right: 'i + 1',
    wrong: 'i',
  },
  HumanEval_15_string_sequence: {
    body: `  return Array.from({ length: n + 1 }, (_, i) => i).join(' ');
}`,
    right: 'n + 1',
    wrong: 'n',
  },
  HumanEval_16_count_distinct_characters: {
    body: `  return new Set(string.toLowerCase()).size;
}`,
    right: 'string.toLowerCase()',
    wrong: 'string',
  },
  HumanEval_18_how_many_times: {
    body: `  let count = 0;
  for (let i = 0; i < string.length; i++) {
    if (string.startsWith(substring, i)) count++;
  }
  return count;
}`,
    right: 'count++;',
    wrong: 'i += substring.length, count++;',
  },
  HumanEval_20_find_closest_elements: {
    body: `  const sorted = numbers.slice().sort((a, b) => a - b);
  let best = 1;
  for (let i = 2; i < sorted.length; i++) {
    if (sorted[i] - sorted[i - 1] < sorted[best] - sorted[best - 1]) best = i;
  }
  return [sorted[best - 1], sorted[best]];
}`,
    right: '(a, b) => a - b',
    wrong: '(a, b) => b - a',
  },
  HumanEval_25_factorize: {
    body: `  const factors = [];
  for (let factor = 2; n > 1; factor++) {
    while (n % factor === 0) {
      factors.push(factor);
      n /= factor;
    }
  }
  return factors;
}`,
    right: 'factors.push(factor);',
    wrong: 'factors.unshift(factor);',
  },
  HumanEval_26_remove_duplicates: {
    body: `  return numbers.filter((value) => numbers.indexOf(value) === numbers.lastIndexOf(value));
}`,
    right: 'numbers.indexOf(value) === numbers.lastIndexOf(value)',
    wrong: 'numbers.indexOf(value) >= 0',
  },
  HumanEval_31_is_prime: {
    body: `  for (let factor = 2; factor * factor <= n; factor++) {
    if (n % factor === 0) return false;
  }
  return n > 1;
}`,
    right: 'return n > 1;',
    wrong: 'return n > 0;',
  },
  HumanEval_36_fizz_buzz: {
    body: `  let sevens = 0;
  for (let i = 0; i < n; i++) {
    if (i % 11 === 0 || i % 13 === 0) sevens += String(i).split('7').length - 1;
  }
  return sevens;
}`,
    right: '||',
    wrong: '&&',
  },
};
