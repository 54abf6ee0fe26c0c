# The native addon. Kernels are compiled once per instruction set from the same sources, each as a
# library of its own; everything else is compiled for the oldest CPU of the platform.
{
  'variables': {
    'flags': [
      '-std=c++17', '-O3', '-ffp-contract=off', '-fno-exceptions', '-fno-rtti',
      '-fvisibility=hidden', '-Wall', '-Wextra',
    ],
    # GCC 12 and older call the undefined registers of its own intrinsics uninitialised.
    'kernel_flags': ['-Wno-uninitialized', '-Wno-maybe-uninitialized', '-Wno-psabi'],
  },
  'target_defaults': {
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-fno-omit-frame-pointer'],
    'cflags_cc': ['<@(flags)'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
      'GCC_OPTIMIZATION_LEVEL': '3',
      'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
      'OTHER_CPLUSPLUSFLAGS': ['<@(flags)'],
    },
  },
  'targets': [
    {
      'target_name': 'kernels_portable',
      'type': 'static_library',
      'sources': ['native/kernels/kernels.cc'],
      'defines': ['CORRAL_KERNELS=corral_kernels_portable', 'CORRAL_PORTABLE'],
      'cflags_cc': ['<@(kernel_flags)'],
    },
    {
      'target_name': 'corral',
      'sources': [
        'native/addon/module.cc',
        'native/runtime/device.cc',
        'native/runtime/executable.cc',
        'native/runtime/isa.cc',
        'native/runtime/memory.cc',
        'native/runtime/op-indices.cc',
        'native/runtime/op-shapes.cc',
        'native/runtime/packing.cc',
        'native/runtime/pool.cc',
        'native/runtime/program.cc',
      ],
      'defines': ['NAPI_VERSION=8'],
      'dependencies': ['kernels_portable'],
      'conditions': [
        ['target_arch=="x64"', {
          'dependencies': ['kernels_avx2', 'kernels_avxvnni', 'kernels_avx512'],
        }],
        ['target_arch=="arm64"', {'dependencies': ['kernels_neon']}],
      ],
    },
  ],
  'conditions': [
    ['target_arch=="x64"', {
      'targets': [
        {
          'target_name': 'kernels_avx2',
          'type': 'static_library',
          'sources': ['native/kernels/kernels.cc'],
          'defines': ['CORRAL_KERNELS=corral_kernels_avx2'],
          'cflags_cc': ['<@(kernel_flags)', '-mavx2', '-mfma', '-mf16c'],
        },
        {
          'target_name': 'kernels_avxvnni',
          'type': 'static_library',
          'sources': ['native/kernels/int8.cc'],
          'defines': ['CORRAL_INT8=corral_int8_avxvnni'],
          'cflags_cc': [
            '<@(kernel_flags)', '-Wno-unused-function', '-mavx2', '-mfma', '-mf16c', '-mavxvnni',
          ],
        },
        {
          'target_name': 'kernels_avx512',
          'type': 'static_library',
          'sources': ['native/kernels/kernels.cc'],
          'defines': ['CORRAL_KERNELS=corral_kernels_avx512'],
          'cflags_cc': [
            '<@(kernel_flags)', '-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq',
            '-mavx512vnni', '-mavx512vbmi', '-mfma', '-mf16c',
          ],
        },
      ],
    }],
    ['target_arch=="arm64"', {
      'targets': [
        {
          'target_name': 'kernels_neon',
          'type': 'static_library',
          'sources': ['native/kernels/kernels.cc'],
          'defines': ['CORRAL_KERNELS=corral_kernels_neon'],
          'cflags_cc': ['<@(kernel_flags)', '-march=armv8.2-a+dotprod'],
          'xcode_settings': {'OTHER_CPLUSPLUSFLAGS': ['-march=armv8.2-a+dotprod']},
        },
      ],
    }],
  ],
}
